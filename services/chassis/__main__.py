"""`python -m chassis secrets|provision|token|api-key|health`: what an operator needs that no single service has."""

import argparse
import re
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from joserfc.errors import JoseError

from chassis import health, keys, provision, secrets
from chassis.auth import COMMON_SCOPES


def _scope(text: str) -> str:
    """`dossiers.file`: which there are, each service's OpenAPI document says."""
    if text not in COMMON_SCOPES and not re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", text):
        raise argparse.ArgumentTypeError(f"a scope is like dossiers.file, or one of {', '.join(COMMON_SCOPES)}")
    return text


def token(argv: list[str]) -> int:
    """Prints a bearer token signed with the local key pair."""
    parser = argparse.ArgumentParser(prog="python -m chassis token", description=token.__doc__)
    parser.add_argument("--key", type=Path, required=True, help="jwt_private.jwk")
    parser.add_argument("--subject", required=True)
    parser.add_argument("--name", default="")
    parser.add_argument("--scope", action="append", default=[], type=_scope, help="repeat for several")
    parser.add_argument("--agency")
    parser.add_argument("--hours", type=float, default=12)
    given = parser.parse_args(argv)
    try:
        minted = keys.mint_token(
            given.key,
            subject=given.subject,
            name=given.name,
            scopes=given.scope,
            agency=given.agency,
            lifetime=timedelta(hours=given.hours),
        )
    except OSError as error:
        parser.error(f"--key {given.key}: {error.strerror}")
    except (ValueError, KeyError, TypeError, JoseError):
        parser.error(f"--key {given.key}: is no private key as `python -m chassis secrets` makes it")
    except OverflowError:
        parser.error(f"--hours {given.hours}: is too much")
    print(minted)
    return 0


def api_key(argv: list[str]) -> int:
    """Makes an API key for an office's software, keeps its hash, and prints the key this once."""
    parser = argparse.ArgumentParser(prog="python -m chassis api-key", description=api_key.__doc__)
    parser.add_argument("--file", type=Path, required=True, help="api_keys.json")
    parser.add_argument("--client", required=True)
    parser.add_argument("--scope", action="append", default=[], type=_scope, help="repeat for several")
    parser.add_argument("--agency")
    given = parser.parse_args(argv)
    try:
        minted = keys.mint_api_key(given.file, client=given.client, scopes=given.scope, agency=given.agency)
    except OSError as error:
        parser.error(f"--file {given.file}: {error.strerror}")
    except (ValueError, KeyError, TypeError):
        parser.error(f"--file {given.file}: is no file of API keys")
    print(minted)
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
