import sys

from workflow.main import main

sys.exit(main())
