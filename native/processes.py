"""The commands that `./run` starts, and what each is started with: docs/processes.md says it in words."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from chassis import SERVICES
from native.access import PAYMENT_PROVIDERS, PERSONAS
from native.children import Child
from native.ports import Ports
from native.servers import REPLICA_SET, RabbitMQ

VHOST = "motcua"
ROLES = ("web", "worker")

Arguments = Sequence[str | Path]
Variables = Mapping[str, str | Path | int]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things are: the checkout, and below it the state of `./run`."""

    top: Path
    ports: Ports

    @property
    def state(self) -> Path:
        return self.top / ".run"

    @property
    def secrets(self) -> Path:
        return self.state / "secrets"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def mail(self) -> Path:
        return self.state / "mail"

    @property
    def access(self) -> Path:
        return self.state / "access.json"

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.ports.gateway}"

    def web_port(self, service: str) -> int:
        return self.ports.web + SERVICES.index(service)

    def health_port(self, service: str, role: str) -> int:
        """Where the process answers /readyz."""
        return self.web_port(service) if role == "web" else self.ports.health + SERVICES.index(service)


def python(
    layout: Layout, name: str, arguments: Arguments, variables: Variables | None = None, *, logged: bool = True
) -> Child:
    """Start `python -m …` with the checkout's packages on its path and `variables` in its environment."""
    log = layout.logs / f"{name}.log" if logged else None
    env = environment(layout) | {key: str(value) for key, value in (variables or {}).items()}
    return Child(name, [sys.executable, "-m", *arguments], log=log, env=env, cwd=layout.top)


def certificates(layout: Layout) -> Child:
    """Makes what results are signed with, for the agencies that there is somebody to act for."""
    agencies = sorted({persona.agency for persona in PERSONAS.values() if persona.agency is not None})
    named = [f"--agency={agency}=Cơ quan {agency} (chứng thư thử nghiệm)" for agency in agencies]
    return service(layout, "workflow", "certificates", *named)


def service(layout: Layout, name: str, role: str, *arguments: str) -> Child:
    """Start a service's `web` or `worker`, or another command of it."""
    secrets, ports = layout.secrets, layout.ports
    variables: Variables = {
        "MONGO_URL": f"mongodb://{name}@127.0.0.1:{ports.mongo}/motcua_{name}?replicaSet={REPLICA_SET}&authSource=motcua_{name}",
        "MONGO_PASSWORD_FILE": secrets / f"mongo_{name}",
        "AMQP_URL": f"amqp://{name}@127.0.0.1:{ports.amqp}/{VHOST}",
        "AMQP_PASSWORD_FILE": secrets / f"amqp_{name}",
        "JWKS": secrets / "jwks.json",
        "API_KEYS_FILE": secrets / "api_keys.json",
        "BIND": "127.0.0.1",
        "PORT": layout.web_port(name),
        "HEALTH_PORT": layout.health_port(name, "worker"),
        "PUBLIC_URL": layout.base_url,
    }
    if name == "intake":
        variables = {
            **variables,
            "VIETQR_ACCOUNTS_FILE": layout.top / "sample" / "province" / "vietqr_accounts.json",
            "PAYMENT_PROVIDERS_FILE": secrets / PAYMENT_PROVIDERS,
        }
    if name == "workflow":
        signing = layout.state / "signing"
        variables = {
            **variables,
            "SIGNING_KEYS": signing,
            "TRUSTED_CERTIFICATES_FILE": signing / "authority.pem",
        }
    if name == "notify":
        variables = {
            **variables,
            "SMTP_URL": f"smtp://127.0.0.1:{ports.smtp}",
            "MAIL_FROM": "mot-cua@thanhhoa.example",
            "OPT_OUT_KEY_FILE": secrets / "opt_out_key",
            "SEALING_KEY_FILE": secrets / "sealing_key",
            "INTAKE_URL": f"http://127.0.0.1:{layout.web_port('intake')}",
            "INTAKE_API_KEY_FILE": secrets / "notify_intake_api_key",
        }
    if name == "stats":
        variables = {
            **variables,
            "INTAKE_URL": f"http://127.0.0.1:{layout.web_port('intake')}",
            "INTAKE_API_KEY_FILE": secrets / "stats_intake_api_key",
        }
    return python(layout, f"{name}-{role}", [name, role, *arguments], variables)


def provision(layout: Layout) -> Child:
    variables: Variables = {
        "MONGO_ADMIN_URL": f"mongodb://admin@127.0.0.1:{layout.ports.mongo}/?authSource=admin&directConnection=true",
        "REPLICA_SET_MEMBERS": f"127.0.0.1:{layout.ports.mongo}",
        "RABBITMQ_ADMIN_URL": f"http://{RabbitMQ.admin}@127.0.0.1:{layout.ports.management}",
        "AMQP_VHOST": VHOST,
        "SECRETS_DIR": layout.secrets,
    }
    return python(layout, "provision", ["chassis", "provision"], variables)


def environment(layout: Layout) -> dict[str, str]:
    """What every Python child inherits of ours, with the checkout's packages on its path."""
    env = os.environ | {
        "PYTHONPATH": f"{layout.top}:{layout.top / 'services'}",
        "PYTHONUNBUFFERED": "1",
        "NO_PROXY": ",".join(filter(None, ["127.0.0.1,localhost", os.environ.get("NO_PROXY")])),
        "MOTCUA_COMMIT": commit(layout.top),
    }
    # Eleven processes that compile the same modules at every start take ten seconds of two processors.
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    return env


def commit(top: Path) -> str:
    try:
        answer = subprocess.run(["git", "-C", top, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return answer.stdout.strip()
