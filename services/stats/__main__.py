import sys

from stats.main import main

sys.exit(main())
