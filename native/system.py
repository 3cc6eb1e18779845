"""The machine's own packages. `python -m native.system [tests | thorough]` installs those that are missing, if it
may."""

import ctypes.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from native.children import NativeError
from native.servers import ServerMissingError, find_rabbitmq

INSTALLER = Path(__file__).with_name("install.sh")


def program(package: str, name: str) -> Callable[[], Path]:
    def find() -> Path:
        found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
        if not found:
            raise ServerMissingError(f"There is no {name} on this machine: install the package {package}.")
        return Path(found)

    return find


def library(package: str, name: str) -> Callable[[], Path]:
    def find() -> Path:
        found = ctypes.util.find_library(name)
        if not found:
            raise ServerMissingError(f"There is no lib{name} on this machine: install the package {package}.")
        return Path(found)

    return find


find_nginx = program("nginx-light", "nginx")


def find_liberation() -> Path:
    """The fonts that papers are printed in: version 2, since the first has no Vietnamese letters. Raises
    ServerMissingError."""
    if (lister := shutil.which("fc-list")) is not None:
        query = [lister, ":family=Liberation Serif:lang=vi:style=Regular", "file"]
        found = subprocess.run(query, capture_output=True, encoding="utf-8", check=False).stdout
        if found.strip():
            return Path(found.splitlines()[0].partition(":")[0])
    raise ServerMissingError("There is no Liberation Serif 2 on this machine: install the package fonts-liberation2.")


PACKAGES: dict[str, Callable[[], Path]] = {
    "rabbitmq-server": find_rabbitmq,
    "nginx-light": find_nginx,
    "libpango-1.0-0": library("libpango-1.0-0", "pango-1.0"),
    "libpangoft2-1.0-0": library("libpangoft2-1.0-0", "pangoft2-1.0"),
    "libharfbuzz-subset0": library("libharfbuzz-subset0", "harfbuzz-subset"),
    "fonts-liberation2": find_liberation,
}
FOR_TESTS: dict[str, Callable[[], Path]] = {
    "clamav-daemon": program("clamav-daemon", "clamd"),
    "poppler-utils": program("poppler-utils", "pdftotext"),
}
FOR_THOROUGH: dict[str, Callable[[], Path]] = {
    "libreoffice-calc-nogui": program("libreoffice-calc-nogui", "soffice"),
}


def is_missing(find: Callable[[], Path]) -> bool:
    try:
        find()
    except ServerMissingError:
        return True
    return False


NO_NETWORK = (
    "Could not resolve",
    "Temporary failure resolving",
    "Could not connect",
    "Failed to fetch",
    "Network is unreachable",
)
"""What apt says when it does not reach its mirror."""


def install_missing(log: Path, packages: Mapping[str, Callable[[], Path]] = PACKAGES) -> None:
    """Install those packages that are missing. Raises NativeError that says what to install when it may or can not."""
    missing = [package for package, find in packages.items() if is_missing(find)]
    if not missing:
        return
    names = " ".join(missing)
    if not shutil.which("apt-get"):
        raise NativeError(f"{names} must be installed first, and there is no apt-get here to do it with.")
    as_root: list[str | Path] = [INSTALLER] if os.geteuid() == 0 else ["sudo", "-n", INSTALLER]
    if os.geteuid() != 0 and not _may_sudo():
        raise NativeError(f"{names} must be installed first: run `sudo apt-get install {names}` and start again.")
    print(f"Installing {names}", flush=True)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        outcome = subprocess.run([*as_root, *missing], stdout=output, stderr=subprocess.STDOUT, check=False)
    if outcome.returncode:
        said = log.read_text(errors="replace").strip()
        reason = f"{log} has it all and ends with: {said.rpartition(chr(10))[2]}"
        if any(sign in said for sign in NO_NETWORK):
            raise NativeError(
                f"{names} cannot be downloaded from Debian's mirror: is there a network? Without one install them "
                f"yourself ({names}) and start again. ({reason})"
            )
        raise NativeError(f"{names} could not be installed; {reason}")


def _may_sudo() -> bool:
    if not shutil.which("sudo"):
        return False
    return subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    try:
        more = {"tests": FOR_TESTS, "thorough": FOR_TESTS | FOR_THOROUGH}
        wanted = PACKAGES | more.get("".join(sys.argv[1:]), {})
        install_missing(Path(".run/logs/install.log"), wanted)
    except NativeError as error:
        sys.exit(str(error))
