"""Whether what takes minutes runs too (drawing at random, waiting, the numbers that were promised): the tests with the
marker `thorough`, which CI runs with `THOROUGH=1`, and of which `./test` has a smaller form or none. Populations that
take a quarter of an hour each have the marker `whole` and run with `THOROUGH=whole`; CI has them scaled."""

import os

THOROUGH = os.environ.get("THOROUGH") in ("1", "whole")
WHOLE = os.environ.get("THOROUGH") == "whole"


def examples(few: int, many: int) -> int:
    """How many examples a property is shown: `few` by `./test`, `many` by CI."""
    return many if THOROUGH else few
