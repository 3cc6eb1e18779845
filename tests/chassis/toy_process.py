"""`python -m tests.chassis.toy_process web|worker|…`: the toy as a process, in the form of a service's `__main__`."""

import sys

from chassis import scrape

scrape.share()

from tests.chassis.toy import main  # noqa: E402 (what it imports has to find that the numbers are shared)

sys.exit(main())
