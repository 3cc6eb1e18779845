"""The machine's own packages. `python -m native.system` installs those that are missing, if it may."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from native.children import NativeError
from native.servers import ServerMissingError, find_rabbitmq

INSTALLER = Path(__file__).with_name("install.sh")


def find_nginx() -> Path:
    """Raises ServerMissingError."""
    # The PATH of ordinary users lacks the directory where Debian puts it.
    found = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if not found:
        raise ServerMissingError("There is no nginx on this machine: install the package nginx-light.")
    return Path(found)


PACKAGES: dict[str, Callable[[], Path]] = {"rabbitmq-server": find_rabbitmq, "nginx-light": find_nginx}


def is_missing(find: Callable[[], Path]) -> bool:
    try:
        find()
    except ServerMissingError:
        return True
    return False


def install_missing(log: Path) -> None:
    """Install what of PACKAGES is missing. Raises NativeError that says what to install when it may or can not."""
    missing = [package for package, find in PACKAGES.items() if is_missing(find)]
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
        last = log.read_text(errors="replace").strip().rpartition("\n")[2]
        raise NativeError(f"{names} could not be installed; {log} has it all and ends with: {last}")


def _may_sudo() -> bool:
    if not shutil.which("sudo"):
        return False
    return subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    try:
        install_missing(Path(".run/logs/install.log"))
    except NativeError as error:
        sys.exit(str(error))
