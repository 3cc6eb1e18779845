import sys

from catalog.main import main

sys.exit(main())
