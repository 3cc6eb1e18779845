import sys

from chassis import scrape

scrape.share()

from stats.main import main  # noqa: E402 (what it imports has to find that the numbers are shared)

sys.exit(main())
