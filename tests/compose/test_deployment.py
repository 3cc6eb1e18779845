"""The running deployment of compose.yaml: `docker compose up -d --wait` comes first (deploy/ci-compose.sh does both).

They run one at a time (`-n 0`), since some stop a container. The project, the port and the versions come from the same
environment variables as for `docker compose` itself.
"""

import json
import subprocess
import textwrap
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import requests

from chassis import SERVICES

pytestmark = pytest.mark.compose

TOP = Path(__file__).parents[2]
ROLES = ("web", "worker")
PROCESSES = [f"{service}-{role}" for service in SERVICES for role in ROLES]
LASTING = ["gateway", "mongo", "rabbitmq", *PROCESSES]
UNAUTHORIZED, ACCESS_REFUSED = 13, 403


def compose(*arguments: str, stdin: str = "") -> str:
    """What `docker compose …` printed; an AssertionError with what it complained about when it fails."""
    command = ["docker", "compose", *arguments]
    done = subprocess.run(command, cwd=TOP, input=stdin, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return done.stdout


def python_in(container: str, code: str) -> Any:
    """Runs the code with the container's user, settings and secrets; what it printed, as JSON."""
    return json.loads(compose("exec", "-T", container, "python", "-", stdin=textwrap.dedent(code)))


def docker(*arguments: str) -> Any:
    """What `docker …` printed, as JSON."""
    return json.loads(subprocess.run(["docker", *arguments], capture_output=True, check=True, timeout=60).stdout)


@cache
def containers() -> dict[str, dict[str, Any]]:
    """`docker inspect` of each service's container. The project's mail catcher may run beside them."""
    inspected = docker("inspect", *compose("ps", "--all", "--quiet").split())
    return {each["Config"]["Labels"]["com.docker.compose.service"]: each for each in inspected}


@cache
def gateway() -> str:
    """The published address."""
    port = compose("port", "gateway", "8080").strip().rpartition(":")[2]
    return f"http://127.0.0.1:{port}"


def await_status(url: str, status: int, seconds: float = 30) -> requests.Response:
    """The first answer with the status; fails when there is none in time."""
    deadline = time.monotonic() + seconds
    while True:
        answer = requests.get(url, timeout=10)
        if answer.status_code == status:
            return answer
        assert time.monotonic() < deadline, f"{url} answers {answer.status_code}: {answer.text}"
        time.sleep(0.2)


@pytest.fixture(scope="module", autouse=True)
def running() -> None:
    """Some tests start a container again, so none is run where there is no deployment."""
    if not compose("ps", "--quiet", "gateway").strip():
        pytest.fail("no deployment runs: `docker compose up -d --wait` comes first")


# -- What runs ---------------------------------------------------------------------------------------------------------


def test_everything_is_healthy_and_the_job_is_done() -> None:
    # Asked anew, since another test may have restarted one.
    states = [json.loads(line) for line in compose("ps", "--all", "--format", "json").splitlines()]
    health = {state["Service"]: state["Health"] for state in states if state["State"] == "running"}
    assert {name: health.get(name) for name in LASTING} == dict.fromkeys(LASTING, "healthy")
    assert {state["Service"]: state["ExitCode"] for state in states if state["State"] == "exited"} == {"init": 0}


@pytest.mark.parametrize("name", LASTING)
def test_a_container_is_confined(name: str) -> None:
    host = containers()[name]["HostConfig"]
    assert host["ReadonlyRootfs"]
    assert (host["CapDrop"], host["CapAdd"]) == (["ALL"], None)
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert not host["Privileged"]
    assert host["Memory"] > 0
    assert host["PidsLimit"] > 0
    assert compose("exec", "-T", name, "id", "-u").strip() != "0"


def test_the_limits_fit_a_small_machine() -> None:
    assert sum(containers()[name]["HostConfig"]["Memory"] for name in LASTING) <= 5.5 * 2**30


def test_only_the_gateway_is_published() -> None:
    published = {name for name in LASTING if any((containers()[name]["NetworkSettings"]["Ports"] or {}).values())}
    assert published == {"gateway"}


def test_only_the_gateway_and_the_sender_of_messages_are_on_a_network_that_leads_out() -> None:
    networks = {name: containers()[name]["NetworkSettings"]["Networks"] for name in LASTING}
    inspected = docker("network", "inspect", *sorted(set().union(*networks.values())))
    internal = {network["Name"].rpartition("_")[2]: network["Internal"] for network in inspected}
    assert internal == {"edge": False, "egress": False, "front": True, "back": True}
    # Whoever takes the gateway over does not see the servers.
    assert {name: {network.rpartition("_")[2] for network in networks[name]} for name in LASTING} == {
        **{name: {"front", "back"} if name.endswith("-web") else {"back"} for name in PROCESSES},
        "mongo": {"back"},
        "rabbitmq": {"back"},
        "gateway": {"edge", "front"},
        "notify-worker": {"back", "egress"},
    }


@pytest.mark.parametrize("name", PROCESSES)
def test_a_container_has_its_own_service_and_secrets_only(name: str) -> None:
    service = name.partition("-")[0]
    found = python_in(
        name,
        f"""
        import importlib.util, json, os
        present = [name for name in {SERVICES} if importlib.util.find_spec(name)]
        print(json.dumps({{"packages": present, "secrets": os.listdir("/run/secrets")}}))
        """,
    )
    own = {f"mongo_{service}", f"amqp_{service}", "jwks.json", "api_keys.json"}
    more = {
        "intake": {"vietqr_accounts", "payment_providers"},
        "notify": {
            "smtp_password",
            "smtp_password_2",
            "smtp_ca",
            "webhook_ca",
            "sms_providers",
            "chat_secret",
            "chat_event_secret",
            "chat_refresh_token",
            "opt_out_key",
            "sealing_key",
            "national_portal_password",
            "emc_token",
            "post_token",
            "post_secret",
            "post_senders",
            "notify_intake_api_key",
        },
        "stats": {"stats_intake_api_key"},
        "workflow": {"trusted_certificates"},
    }
    assert found["packages"] == [service]
    assert set(found["secrets"]) == own | more.get(service, set())


# -- What is denied ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_reaches_its_own_database_only(service: str) -> None:
    codes = python_in(
        f"{service}-worker",
        f"""
        import json
        from chassis.settings import Settings
        from pymongo import MongoClient
        from pymongo.errors import OperationFailure

        codes = {{}}
        with MongoClient(Settings.read().mongo_url) as client:
            for name in (*{[f"motcua_{each}" for each in SERVICES]}, "admin", "local"):
                try:
                    client[name].dossiers.find_one()
                    codes[name] = None
                except OperationFailure as error:
                    codes[name] = error.code
        print(json.dumps(codes))
        """,
    )
    others = [f"motcua_{other}" for other in SERVICES if other != service]
    assert codes == {f"motcua_{service}": None, **dict.fromkeys([*others, "admin", "local"], UNAUTHORIZED)}


def refusals(service: str, publications: Sequence[tuple[str, str]]) -> list[int | None]:
    """The broker's reply code to each publication (exchange, routing key) as this service; None: taken."""
    codes: list[int | None] = python_in(
        f"{service}-worker",
        f"""
        import json, pika
        from chassis.settings import Settings

        codes = []
        for exchange, key in {list(publications)}:
            connection = pika.BlockingConnection(pika.URLParameters(Settings.read().amqp_url))
            channel = connection.channel()
            channel.confirm_delivery()
            try:
                channel.basic_publish(exchange, key, b"")
                codes.append(None)
            except pika.exceptions.ChannelClosedByBroker as error:
                codes.append(error.reply_code)
            connection.close()
        print(json.dumps(codes))
        """,
    )
    return codes


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_publishes_nothing_in_the_name_of_another(service: str) -> None:
    others = [other for other in SERVICES if other != service]
    wanted = [("", f"{other}.events") for other in others]
    wanted += [(other, "events") for other in others]
    wanted += [("motcua.events", f"{other}.dossier.received") for other in others]
    assert refusals(service, wanted) == [ACCESS_REFUSED] * len(wanted)


def test_a_service_reads_no_queue_of_another() -> None:
    code = python_in(
        "stats-worker",
        """
        import json, pika
        from chassis.settings import Settings

        connection = pika.BlockingConnection(pika.URLParameters(Settings.read().amqp_url))
        try:
            connection.channel().basic_get("intake.events")
            code = None
        except pika.exceptions.ChannelClosedByBroker as error:
            code = error.reply_code
        print(json.dumps(code))
        """,
    )
    assert code == ACCESS_REFUSED


# -- What is provisioned -----------------------------------------------------------------------------------------------


def test_a_second_provision_changes_nothing() -> None:
    assert compose("run", "--rm", "--no-deps", "-T", "init").strip() == "provision: nothing to change"


def test_waits_and_limits_are_in_force() -> None:
    listed = compose(
        "exec",
        "-T",
        "rabbitmq",
        "rabbitmqctl",
        "-q",
        "--no-table-headers",
        "list_queues",
        "-p",
        "motcua",
        "name",
        "policy",
    )
    policies = dict(line.split("\t") for line in listed.splitlines())
    for service in SERVICES:
        assert policies[f"{service}.events"] == "events"
        assert policies[f"{service}.parked"] == ""
        for step in ("5s", "30s", "5m", "1h"):
            assert policies[f"{service}.retry.{step}"] == f"retry-{step}"


# -- The gateway -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_answers_through_the_gateway(service: str) -> None:
    # A container that another test started again is found after a moment.
    answer = await_status(f"{gateway()}/api/{service}/v1/openapi.json", 200)
    assert answer.json()["openapi"].startswith("3.1")


def test_the_gateway_has_a_page_of_its_own() -> None:
    answer = requests.get(f"{gateway()}/", timeout=10)
    assert answer.status_code == 200
    assert 'lang="vi"' in answer.text


@pytest.mark.parametrize("path", ["/metrics", "/livez", "/readyz", "/version"])
def test_what_is_for_operators_is_not_public(path: str) -> None:
    assert requests.get(gateway() + path, timeout=10).status_code == 404


def test_a_service_stops_in_good_order_and_is_found_again() -> None:
    openapi = f"{gateway()}/api/notify/v1/openapi.json"
    compose("rm", "--stop", "--force", "notify-web")
    try:
        answer = await_status(openapi, 503)
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["code"] == "unavailable"
        assert answer.headers["Retry-After"] == "5"
        # The others do not notice.
        assert requests.get(f"{gateway()}/api/intake/v1/openapi.json", timeout=10).status_code == 200
    finally:
        # It is made anew, with another address on its networks perhaps.
        compose("up", "-d", "--no-deps", "--wait", "notify-web")
    await_status(openapi, 200)


def test_everything_stops_within_30_seconds() -> None:
    """Docker kills what takes longer than it is given, which its status tells (137)."""
    containers = {name: compose("ps", "--quiet", name).strip() for name in LASTING}
    assert {docker("inspect", container)[0]["Config"]["StopTimeout"] for container in containers.values()} == {30}
    try:
        compose("stop")
        ended = {name: docker("inspect", container)[0]["State"]["ExitCode"] for name, container in containers.items()}
        assert {name: ended[name] for name in PROCESSES} == dict.fromkeys(PROCESSES, 0)
        assert 137 not in ended.values()
    finally:
        compose("up", "-d", "--wait")
