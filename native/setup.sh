# Sourced by ./run and ./test from the repository's top. Makes .venv hold what requirements/dev.txt says, which takes no time
# and no network when it does already. On failure it says why in one sentence and ends the script with status 1.

fail() {
  printf '%s: %s\n' "${0##*/}" "$1" >&2
  exit 1
}

find_python() {
  local name
  for name in python3.13 python3.12 python3.11 python3; do
    if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$name"
      return
    fi
  done
  fail 'Python 3.11 or newer is needed and none of python3.13, python3.12, python3.11, python3 is that: install it (on Debian 12: apt-get install python3 python3-venv).'
}

# Runs a command quietly. If it fails, its last line belongs to the sentence that is shown.
quietly() {
  local explanation=$1 output
  shift
  output=$("$@" 2>&1) && return
  case $output in
    *'No space left on device'* | *'Disk quota exceeded'*) fail "The disk that holds $PWD/.venv is full: make room and start again. (${output##*$'\n'})" ;;
  esac
  fail "$explanation (${output##*$'\n'})"
}

make_environment() {
  local python
  if ! .venv/bin/python -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    python=$(find_python) || exit 1
    "$python" -c 'import venv, ensurepip' 2>/dev/null \
      || fail "Python's venv module is missing: install it (apt-get install $("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')) and start again."
    printf 'Making .venv with %s\n' "$("$python" --version)"
    quietly 'The virtual environment .venv cannot be made.' "$python" -m venv --clear .venv
  fi
  printf 'Installing the packages of requirements/dev.txt into .venv\n'
  quietly 'The package installer uv cannot be downloaded from the Python package index: is there a network?' \
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --retries 1 --no-deps --require-hashes -r requirements/uv.txt
  # uv does not read pip's configuration, and a mirror that pip needs is needed here as well.
  local index=${UV_DEFAULT_INDEX:-$(.venv/bin/python -m pip config get global.index-url 2>/dev/null)}
  quietly 'The packages of requirements/dev.txt cannot be downloaded from the Python package index: is there a network?' \
    env ${index:+"UV_DEFAULT_INDEX=$index"} \
    .venv/bin/uv pip sync --quiet --require-hashes --python .venv/bin/python requirements/dev.txt
  cp requirements/dev.txt .venv/installed.txt
}

environment_is_up_to_date() {
  [ -x .venv/bin/python ] && cmp -s requirements/dev.txt .venv/installed.txt
}

if ! environment_is_up_to_date; then
  # ./run and ./test may be started at the same moment.
  mkdir -p .run
  (
    flock 9
    environment_is_up_to_date || make_environment
  ) 9>.run/setup.lock || exit 1
fi
