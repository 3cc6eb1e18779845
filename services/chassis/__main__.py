"""`python -m chassis secrets|provision|token|api-key|health`: what an operator needs that no single service has."""

import argparse
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from chassis import health, keys, provision, secrets


def token(argv: list[str]) -> int:
    """Prints a bearer token signed with the local key pair."""
    parser = argparse.ArgumentParser(prog="python -m chassis token", description=token.__doc__)
    parser.add_argument("--key", type=Path, required=True, help="jwt_private.jwk")
    parser.add_argument("--subject", required=True)
    parser.add_argument("--name", default="")
    parser.add_argument("--scope", action="append", default=[], help="repeat for several")
    parser.add_argument("--agency")
    parser.add_argument("--hours", type=float, default=12)
    given = parser.parse_args(argv)
    print(
        keys.mint_token(
            given.key,
            subject=given.subject,
            name=given.name,
            scopes=given.scope,
            agency=given.agency,
            lifetime=timedelta(hours=given.hours),
        )
    )
    return 0


def api_key(argv: list[str]) -> int:
    """Makes an API key for an office's software, keeps its hash, and prints the key this once."""
    parser = argparse.ArgumentParser(prog="python -m chassis api-key", description=api_key.__doc__)
    parser.add_argument("--file", type=Path, required=True, help="api_keys.json")
    parser.add_argument("--client", required=True)
    parser.add_argument("--scope", action="append", default=[], help="repeat for several")
    parser.add_argument("--agency")
    given = parser.parse_args(argv)
    print(keys.mint_api_key(given.file, client=given.client, scopes=given.scope, agency=given.agency))
    return 0


COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "secrets": secrets.main,
    "provision": provision.main,
    "token": token,
    "api-key": api_key,
    "health": health.main,
}


def main() -> int:
    if len(sys.argv) < 2 or sys.argv[1] not in COMMANDS:
        print(f"usage: python -m chassis {'|'.join(COMMANDS)}", file=sys.stderr)
        return 2
    return COMMANDS[sys.argv[1]](sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
