"""How many messages a second one worker hands to a local mail server, beside one at a time in the same run.

`./bench notify mail`. The mail server (aiosmtpd, which answers every command and keeps nothing) and mongod are
processes of their own; the worker's loops run in this one. Limits are counted, events go into the outboxes, as in a
deployment.
"""

import os
import socket
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
from pymongo.database import Database

from chassis import keys, store
from chassis.clock import id_from, system_clock
from chassis.service import Context
from native.ports import free_port
from notify.domain import messages, telling
from notify.domain.telling import Contact, Happened, Rule
from notify.main import assemble
from notify.settings import NotifySettings
from notify.store import NotifyStore
from tests.support.servers import make_mongod
from tests.support.waiting import until

TARGET, TARGET_RATIO = 300.0, 3.0
MANY, FEW = 3_000, 300
RULE = Rule("intake.dossier.received.v1", "applicant", "email", "received")
SINK = """
import sys, threading
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
Controller(Sink(), hostname="127.0.0.1", port=int(sys.argv[1])).start()
threading.Event().wait()
"""


def main() -> None:
    with TemporaryDirectory(prefix="motcua-bench-", dir="/dev/shm") as folder, make_mongod(Path(folder)) as mongod:
        mongod.initiate()
        port = free_port()
        sink = subprocess.Popen([sys.executable, "-c", SINK, str(port)])
        try:
            until(lambda: answers(port))
            keys.make_key_pair(Path(folder))
            settings = NotifySettings(
                mongo_url=mongod.url.replace("/?", "/motcua_notify?"),
                amqp_url="amqp://nobody:x@127.0.0.1:1/none",
                jwks=str(Path(folder) / "jwks.json"),
                smtp_url=f"smtp://127.0.0.1:{port}",
                mail_from="Một Cửa <mot-cua@thanhhoa.example>",
            )
            processes = {"notify": os.getpid(), "mongod": mongod.child.pid, "mail server": sink.pid}
            measured(settings, 100, processes)
            one = measured(settings.model_copy(update={"mail_batch": 1, "mail_lines": 1}), FEW, processes)
            batches = measured(settings, MANY, processes)
        finally:
            sink.kill()
            sink.wait()
    print(
        f"ratio {batches / one:.1f} (at least {TARGET_RATIO:.0f}), {batches:.0f} a second (at least {TARGET:.0f}); "
        f"load {os.getloadavg()[0]:.1f}"
    )


def measured(settings: NotifySettings, count: int, processes: dict[str, int]) -> float:
    """Messages a second, from when the first is taken until the last one is noted as sent."""
    database = store.connect(settings.mongo_url)
    database.client.drop_database(database.name)
    context = Context(settings, database, store.Carrier(system_clock), system_clock)
    parts = assemble(context)
    parts.ensure_indexes()
    fill(NotifyStore(database, store.Carrier(system_clock)), count)
    stop = threading.Event()
    lines = [
        threading.Thread(target=loop, args=(stop,), name=name)
        for name, loop in parts.loops.items()
        if name.startswith("email")
    ]
    before = cpu(processes)
    began = time.perf_counter()
    for line in lines:
        line.start()
    until(lambda: sent(database) == count, 300, 0.1)
    seconds = time.perf_counter() - began
    each = ", ".join(f"{1000 * (now - before[name]) / count:.1f} {name}" for name, now in cpu(processes).items())
    stop.set()
    for line in lines:
        line.join()
    database.client.close()
    print(
        f"{count} messages, batches of {settings.mail_batch}, {settings.mail_lines} lines: "
        f"{count / seconds:.0f} a second; ms of CPU a message: {each}"
    )
    return count / seconds


def fill(notify: NotifyStore, count: int) -> None:
    at = datetime.now(UTC)
    for start in range(0, count, 500):
        made = []
        for n in range(start, min(start + 500, count)):
            happened = Happened(
                event_type=RULE.event_type, event_id=f"intake.dossier:d{n}:2", dossier=f"d{n}",
                code=f"H56.{n % 10:02}-261120-{n:04}", agency=f"H56.{n % 10:02}", at=at,
                params={"received_at": at, "due_at": at}, trace=None,
            )  # fmt: skip
            contact = Contact(
                name=f"Nguyễn Thị Hoa {n}", email=f"hoa{n}@example.vn", person=f"person-{n}",
                procedure_name="Đăng ký khai sinh có yếu tố nước ngoài", agency_name="Ủy ban nhân dân phường Hạc Thành",
            )  # fmt: skip
            (told,) = telling.recipients(happened, contact, [RULE])
            made.append(messages.compose(id_from("message", *told.key), told, happened, contact, "vi", at))
        notify.messages.add(made)


def sent(database: Database[store.Document]) -> int:
    return database["messages"].count_documents({"state": "sent"})


def answers(port: int) -> bool:
    with socket.socket() as line:
        return line.connect_ex(("127.0.0.1", port)) == 0


def cpu(processes: dict[str, int]) -> dict[str, float]:
    return {name: sum(psutil.Process(pid).cpu_times()[:2]) for name, pid in processes.items()}


if __name__ == "__main__":
    main()
