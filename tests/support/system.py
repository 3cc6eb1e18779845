"""The five services as real processes on servers of a test, which may be killed and started again one by one."""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import requests

from chassis import SERVICES, keys
from native.children import Child
from native.ports import free_port, http_status
from tests.support.servers import Broker

TOP = Path(__file__).parent.parent.parent
SCOPES = (
    *("catalog.edit", "dossiers.file", "dossiers.receive", "dossiers.read", "dossiers.read_all", "any_agency"),
    *("tasks.read", "tasks.work", "stats.read", "messages.read", "messages.manage", "parked.manage", "backdate"),
)
ACTORS = 8
"""Threads that act for a test's many applicants and officers."""

AGENCY, PARENT = "H56.30", "H56"
PROCEDURE = "1.001612"


def working_day(amount: float) -> dict[str, Any]:
    return {"amount": amount, "unit": "working_day"}


def step(number: int, **more: Any) -> dict[str, Any]:
    after = [f"s{number - 1}"] if number > 1 else []
    plain = {
        "id": f"s{number}",
        "name": f"Bước {number}",
        "role": "expert",
        "agency": None,
        "after": after,
        "decision": False,
    }
    return {**plain, "amount": working_day(1), **more}


CATALOGUE = {
    "agencies": [
        {
            "id": id,
            "name": name,
            "level": level,
            "kind": "people_committee",
            "parent": parent,
            "one_stop": parent is not None,
            "aliases": [],
            "hours": [["07:00", "11:30"], ["13:30", "17:00"]],
            "email": None,
            "valid_from": "2019-01-01",
            "valid_to": None,
        }
        for id, name, level, parent in [
            (PARENT, "Ủy ban nhân dân tỉnh Thanh Hóa", "province", None),
            (AGENCY, "Ủy ban nhân dân huyện Hoằng Hóa", "district", PARENT),
        ]
    ],
    "procedures": [
        {
            "code": PROCEDURE,
            "local_code": None,
            "name": "Đăng ký thành lập hộ kinh doanh",
            "field": {"code": "HOKINHDOANH", "name": "Thành lập và hoạt động của hộ kinh doanh"},
            "service_level": "full",
            "agencies": [],
            "levels": ["district"],
            "applicants": ["citizen"],
            "components": [
                {
                    "code": "TP1",
                    "name": "Giấy đề nghị đăng ký hộ kinh doanh",
                    "originals": 1,
                    "copies": 0,
                    "required": True,
                }
            ],
            "durations": {"counter": working_day(3), "online": None},
            "cut_off": None,
            "supplement_rule": "pause",
            "fees": [{"code": "LP1", "name": "Lệ phí đăng ký hộ kinh doanh", "kind": "charge", "amount": 100_000}],
            "process": {
                "steps": [step(1, role="one_stop"), step(2, decision=True, role="leader"), step(3, role="clerk")]
            },
            "result": {"code": None, "name": "Giấy chứng nhận đăng ký hộ kinh doanh"},
            "essential": [],
            "legal_basis": ["Nghị định 01/2021/NĐ-CP"],
            "valid_from": "2019-01-01",
            "valid_to": None,
        }
    ],
    "calendars": [],
}


def filing(channel: str = "counter") -> dict[str, Any]:
    """The body of a dossier of PROCEDURE at AGENCY."""
    return {
        "procedure": PROCEDURE,
        "agency": AGENCY,
        "channel": channel,
        "applicant": {
            "kind": "citizen",
            "name": "Lê Thị Đào",
            "identity": "038190001234",
            "email": "dao@example.com",
            "phone": "0912345678",
        },
        "components": [{"code": "TP1", "paper": {"originals": 1}}],
        "result_return": "collect",
    }


class Nowhere:
    """A broker that is away all the time."""

    url = "amqp://127.0.0.1:1/none"


class System:
    """Starts and kills the services' processes. `request` speaks to a service as somebody who may do everything."""

    def __init__(
        self,
        folder: Path,
        mongo_url: str,
        prefix: str,
        broker: Broker,
        smtp_port: int,
        variables: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._folder = folder
        self._mongo_url = mongo_url
        self._prefix = prefix
        self.broker = broker
        self._smtp_port = smtp_port
        self._variables = variables
        self.ports = {f"{service}-{role}": free_port() for service in SERVICES for role in ("web", "worker")}
        self._children: dict[str, Child] = {}
        # A child dies with the thread that started it, and tests start some from threads of their own.
        self._parent = ThreadPoolExecutor(1)
        keys.make_key_pair(folder)
        api_keys = folder / "api_keys.json"
        (folder / "stats_key").write_text(keys.mint_api_key(api_keys, client="stats", scopes=["dossiers.recount"]))
        self.token = keys.mint_token(folder / "jwt_private.jwk", subject="test:all", name="Tất cả", scopes=SCOPES)
        self._local = threading.local()

    def start(self, *names: str, wrapper: tuple[str, ...] = (), variables: Mapping[str, str] | None = None) -> None:
        """Starts the processes (`intake-web`; all of them by default) at once, and waits until they are ready.

        `wrapper`: a module with its arguments that runs in place of `python -m <service>` (see `tests.support.dying`).
        """
        wanted = names or tuple(self.ports)
        for name in wanted:
            service, _, role = name.partition("-")
            command = [sys.executable, "-m", *wrapper, service, role]
            log = self._folder / "logs" / f"{name}.log"
            env = self._environment(service) | dict(variables or {})
            self._children[name] = self._parent.submit(Child, name, command, log=log, env=env, cwd=TOP).result()
        for name in wanted:
            if not wrapper:
                self._children[name].wait_until(partial(self._is_ready, name), 180)

    def _is_ready(self, name: str) -> bool:
        return http_status(self.ports[name], "/readyz") == 200

    def pids(self) -> list[int]:
        return [child.pid for child in self._children.values()]

    def kill(self, name: str) -> None:
        """kill -9."""
        self._children.pop(name).kill()

    def kill_workers(self) -> None:
        for name in [name for name in self._children if name.endswith("-worker")]:
            self.kill(name)

    def ended(self, name: str, seconds: float = 60) -> int | None:
        """The exit status of a process that ends by itself; None when it does not within the time."""
        child = self._children[name]
        return child.exit_status if child.wait(seconds) else None

    def stop(self) -> None:
        for child in self._children.values():
            child.terminate()
        for child in self._children.values():
            child.stop(20)
        self._children.clear()
        self._parent.shutdown()

    def _environment(self, service: str) -> dict[str, str]:
        database = f"{self._prefix}{service}"
        base = self._mongo_url.split("/?")
        return os.environ | {
            "PYTHONPATH": f"{TOP}:{TOP / 'services'}",
            "MONGO_URL": f"{base[0]}/{database}?{base[1]}",
            "AMQP_URL": self.broker.url,
            "JWKS": str(self._folder / "jwks.json"),
            "API_KEYS_FILE": str(self._folder / "api_keys.json"),
            "PORT": str(self.ports[f"{service}-web"]),
            "HEALTH_PORT": str(self.ports[f"{service}-worker"]),
            "SMTP_URL": f"smtp://127.0.0.1:{self._smtp_port}",
            "MAIL_FROM": "mot-cua@thanhhoa.example",
            "INTAKE_URL": f"http://127.0.0.1:{self.ports['intake-web']}",
            "INTAKE_API_KEY_FILE": str(self._folder / "stats_key"),
            # A crashed worker's events are swept up after this long; tests do not wait for the deployment's ten
            # seconds.
            "RELAY_GRACE_MS": "6000",
            "RELAY_POLL_MS": "500",
            **self._variables,
        }

    def database(self, service: str) -> str:
        return f"{self._prefix}{service}"

    def url(self, path: str) -> str:
        service = path.split("/", 1)[0]
        return f"http://127.0.0.1:{self.ports[f'{service}-web']}/api/{service}/v1/{path.split('/', 1)[1]}"

    def request(
        self, method: str, path: str, *, key: str | None = None, body: Any = None, patient: bool = False
    ) -> requests.Response:
        """`path` begins with the service's name: `intake/dossiers`. `patient`: as an office's software does, tries
        again with the same key while the other side is away (up to 240 s)."""
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
            session.trust_env = False
            session.headers["Authorization"] = f"Bearer {self.token}"
        headers = {"Idempotency-Key": key} if key else {}
        deadline = time.monotonic() + 240
        while True:
            try:
                answer = session.request(method, self.url(path), json=body, headers=headers, timeout=60)
                if not patient or answer.status_code != 503:
                    return answer
            except requests.RequestException:
                if not patient:
                    raise
            if time.monotonic() > deadline:
                raise TimeoutError(f"{method} {path} found nobody for 240 s")
            time.sleep(0.1)

    def get(self, path: str) -> Any:
        answer = self.request("GET", path, patient=True)
        answer.raise_for_status()
        return answer.json()

    def post(self, path: str, key: str, body: Any, *expected: int) -> Any:
        answer = self.request("POST", path, key=key, body=body, patient=True)
        if answer.status_code not in (expected or (200, 201)):
            raise AssertionError(f"POST {path}: {answer.status_code} {answer.text}")
        return answer.json()

    # -- a dossier's life ----------------------------------------------------------------------------------------------

    def publish_catalogue(self) -> None:
        """Imports CATALOGUE and waits until intake and workflow know it."""
        answer = self.post("catalog/imports", "catalogue", CATALOGUE)
        assert answer["rejected"] == 0, answer
        probe = {**filing(), "components": []}

        def known() -> bool:
            refused = self.request("POST", "intake/dossiers", key="probe", body=probe)
            return [error["code"] for error in refused.json().get("errors", ())] == ["missing_component"]

        wait_for(known, 180)

    def file(self, name: str, channel: str = "counter") -> dict[str, Any]:
        filed: dict[str, Any] = self.post("intake/dossiers", f"file-{name}", filing(channel), 201)
        return filed

    def work_through(self, dossier: str) -> None:
        """Completes the three steps of PROCEDURE and hands the result over."""
        for number, outcome in enumerate(("completed", "approved", "completed"), 1):
            self._until_there(
                f"workflow/tasks/{dossier}.s{number}/completion", f"{dossier}-{number}", {"outcome": outcome}, 404
            )
        body = {"to": "Lê Thị Đào", "method": "collect"}
        self._until_there(f"intake/dossiers/{dossier}/handover", f"{dossier}-handover", body, 409)

    def _until_there(self, path: str, key: str, body: Any, not_yet: int) -> None:
        """Acts as soon as the event that allows it has arrived."""
        asked = partial(self.request, "POST", path, key=key, body=body, patient=True)
        wait_for(lambda: asked().status_code != not_yet, 240, 0.3)
        self.post(path, key, body)


def wait_for(question: Callable[[], Any], seconds: float, interval: float = 0.1) -> Any:
    """The first true answer; TimeoutError after so many seconds."""
    deadline = time.monotonic() + seconds
    while not (answer := question()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{question} was not true within {seconds} s")
        time.sleep(interval)
    return answer


def at_once(act: Callable[[Any], Any], items: Any, threads: int = ACTORS) -> list[Any]:
    """act(item) for each, by several threads; the results in order."""
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(act, items))


@contextmanager
def running(system: System) -> Iterator[System]:
    """All processes up and the catalogue published; stopped in the end."""
    try:
        system.start()
        system.publish_catalogue()
        yield system
    finally:
        system.stop()
