"""Makes the secrets that a deployment needs: one file each, so that a process is handed exactly those it may know.

`python -m chassis secrets DIR` makes what is missing and leaves what is there. `--owner 10001` is for containers: every
file is given to that user and group, and readable by the group, since the database servers run as users of their own
and are let in by it.
"""

import argparse
import base64
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from secrets import token_bytes, token_urlsafe

from chassis import SERVICES, keys

PASSWORDS = (
    "mongo_admin",
    "amqp_admin",
    *(f"mongo_{service}" for service in SERVICES),
    *(f"amqp_{service}" for service in SERVICES),
    # For monitoring systems, which read the feed.
    "amqp_monitor",
    # What links in e-mails are signed with, by which people choose which e-mails they get.
    "opt_out_key",
)
KEYFILE_BYTES = 567
"""756 characters in base64. A key file holds at most 1,024, and only characters of base64."""

SEALING_KEY_BYTES = 32
CLIENTS = {
    "stats_intake_api_key": ("stats", ("dossiers.recount",)),
    # What was filed on the national portal is filed at intake for whichever agency it is for.
    "notify_intake_api_key": ("national-portal", ("dossiers.file", "any_agency")),
}
"""Files with a service's key for another service: who it is there, and what it may do."""


def make_secrets(directory: Path, owner: int | None = None) -> list[str]:
    """Makes whatever is missing and returns the names of what was made.

    The directory is 0700 and the files 0600. With `owner` (a number that is both user and group; needs root) the files
    belong to it and are 0440. A file that exists keeps its content; its owner and mode are put right.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)
    before = {path.name for path in directory.iterdir()}
    for name in PASSWORDS:
        _make(directory / name, token_urlsafe(32))
    _make(directory / "mongo_keyfile", base64.b64encode(token_bytes(KEYFILE_BYTES)).decode())
    keys.make_key_pair(directory)
    _make(directory / "sealing_key", base64.b64encode(token_bytes(SEALING_KEY_BYTES)).decode())
    api_keys = directory / "api_keys.json"
    # A key is useless without its hash, so losing either of the two makes both anew.
    hashes_are_there = api_keys.exists()
    for name, (client, scopes) in CLIENTS.items():
        if not (hashes_are_there and (directory / name).exists()):
            keys.write_secret(directory / name, keys.mint_api_key(api_keys, client=client, scopes=scopes))
    for path in directory.iterdir():
        if owner is not None:
            os.chown(path, owner, owner)
        path.chmod(0o600 if owner is None else 0o440)
    return sorted({path.name for path in directory.iterdir()} - before)


def _make(path: Path, text: str) -> None:
    if not path.exists():
        keys.write_secret(path, text)


def main(argv: Sequence[str] | None = None) -> int:
    """`secrets DIR [--owner ID]`: one line for each file made; 1 and one line on stderr if that fails."""
    parser = argparse.ArgumentParser(prog="secrets", description="Makes the secrets that are missing in a directory.")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--owner", type=int, help="user and group that the files are given to; needs root")
    arguments = parser.parse_args(argv)
    try:
        made = make_secrets(arguments.directory, arguments.owner)
    except OSError as error:
        print(f"secrets: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    for name in made:
        print(f"made {arguments.directory / name}")
    return 0
