import sys

from intake.main import main

sys.exit(main())
