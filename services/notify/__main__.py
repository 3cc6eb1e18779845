import sys

from notify.main import main

sys.exit(main())
