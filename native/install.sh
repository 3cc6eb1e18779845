#!/bin/sh
# Installs Debian packages as root without starting the services that they bring, now or at the next boot: ./run has servers
# of its own, and the machine's ports belong to its user.
set -e
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update --quiet
apt-get install --yes --quiet --no-install-recommends "$@"
if [ -d /run/systemd/system ]; then
  for package in "$@"; do
    systemctl disable --quiet "${package%-light}" || true
  done
fi
