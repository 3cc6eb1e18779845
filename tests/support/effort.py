"""Whether what takes minutes of drawing at random runs too: the tests with the marker `thorough`, which CI runs with
`THOROUGH=1` and `./test` leaves out."""

import os

THOROUGH = os.environ.get("THOROUGH") == "1"
