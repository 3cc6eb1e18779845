"""nginx as the gateway, from the same template as the container's."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from native.children import NativeError

MAIN = """\
# Written by ./run at every start; the gateway's own rules are in {site}.
daemon off;
{user}worker_processes 1;
pid {state}/nginx.pid;
error_log stderr notice;
events {{
    worker_connections 1024;
}}
http {{
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    sendfile on;
    keepalive_timeout 65s;
    client_body_temp_path {state}/body;
    proxy_temp_path {state}/proxy;
    fastcgi_temp_path {state}/fastcgi;
    scgi_temp_path {state}/scgi;
    uwsgi_temp_path {state}/uwsgi;
    include {site};
}}
"""


def configure(template: Path, state: Path, variables: Mapping[str, str]) -> Path:
    """Write nginx's configuration, all of whose files are in `state`; returns the main file."""
    state.mkdir(parents=True, exist_ok=True)
    site, main = state / "gateway.conf", state / "nginx.conf"
    site.write_text(fill(template.read_text(), variables))
    # As root, its worker would be www-data, which must not read in root's home, where the checkout may be.
    user = "user root;\n" if os.geteuid() == 0 else ""
    main.write_text(MAIN.format(site=site, state=state, user=user))
    return main


def fill(template: str, variables: Mapping[str, str]) -> str:
    """As envsubst does in the container: `${NAME}`; nginx's own `$name` stays. Raises NativeError for another name."""

    def value(match: re.Match[str]) -> str:
        if match[1] not in variables:
            raise NativeError(f"The gateway's template has the variable {match[1]}, which ./run does not know.")
        return variables[match[1]]

    return re.sub(r"\$\{([A-Z_]+)\}", value, template)
