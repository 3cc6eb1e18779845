#!/usr/bin/env bash
# Proves compose.yaml: builds every image, starts a deployment of its own, drives the sample through its gateway, runs the tests
# marked `compose` against it, and takes everything away again. It needs Docker with `docker compose`, and a virtual environment
# with requirements/dev.txt in .venv. A deployment or secrets of the developer's own are not touched.
#
# PROVIDE_DOCKER   a command that brings Docker and the public images to this machine, run when they are not there
# MONGO_VERSION    8.0, or 6.0 where that is the only image at hand
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

python=.venv/bin/python
say() { printf '== %s\n' "$*"; }

usable() { docker info >/dev/null 2>&1 && docker compose version >/dev/null 2>&1; }
if ! usable || ! docker image inspect python:3.13-slim >/dev/null 2>&1; then
  # Without such a command, Docker fetches the public images itself.
  if command -v "${PROVIDE_DOCKER:-}" >/dev/null; then "$PROVIDE_DOCKER"; fi
  usable || { echo 'ci-compose: neither docker nor a PROVIDE_DOCKER command that makes it usable' >&2; exit 1; }
fi

if [ -z "${MONGO_VERSION:-}" ]; then
  MONGO_VERSION=8.0
  # A machine without a registry has the images that it has.
  if ! docker image inspect mongo:8.0 >/dev/null 2>&1 && docker image inspect mongo:6.0 >/dev/null 2>&1; then
    MONGO_VERSION=6.0
  fi
fi

export PYTHONPATH=.:services
COMPOSE_PROJECT_NAME=motcua-ci-$$
GATEWAY_PORT=$($python -c 'from native.ports import free_port; print(free_port())')
SECRETS_DIR=$(mktemp -d)
MOTCUA_VERSION=ci
MOTCUA_COMMIT=$(git rev-parse HEAD 2>/dev/null || echo unknown)
COMPOSE_PROFILES=dev
PUBLIC_URL=http://127.0.0.1:$GATEWAY_PORT
NO_PROXY=127.0.0.1,localhost${NO_PROXY:+,$NO_PROXY}
export COMPOSE_PROJECT_NAME GATEWAY_PORT SECRETS_DIR MONGO_VERSION MOTCUA_VERSION MOTCUA_COMMIT COMPOSE_PROFILES PUBLIC_URL NO_PROXY
access=$SECRETS_DIR.access.json log=$SECRETS_DIR.log

clean_up() {
  local status=$?
  trap - EXIT
  if [ "$status" != 0 ]; then
    say "failed with status $status; the containers and the end of their logs:"
    docker compose ps --all || true
    docker compose logs --no-color --timestamps --tail 60 || true
  fi
  docker compose --profile '*' down --volumes --remove-orphans --timeout 15 >/dev/null 2>&1 || true
  rm -rf "$SECRETS_DIR" "$access" "$log"
  exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say "build (mongo:$MONGO_VERSION)"
docker compose --profile '*' build --quiet

say 'secrets'
# Tokens and the office's key are made while the files are still ours; the job then hands them over to the containers.
$python -m chassis secrets "$SECRETS_DIR" >/dev/null
$python -c 'import pathlib, sys
from native.access import write_access
write_access(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3])' "$access" "$SECRETS_DIR" "$PUBLIC_URL"
docker compose --progress quiet run --rm --no-TTY secrets

say 'up'
if ! docker compose up --detach --wait --wait-timeout 300 >"$log" 2>&1; then
  tail -5 "$log"
  exit 1
fi

say 'sample'
$python -m sample.drive --access "$access" --base-url "$PUBLIC_URL"

say 'tests'
# One at a time: some stop a container that others look at.
$python -m pytest -n 0 -m compose tests/compose "$@"
say 'compose: passed'
