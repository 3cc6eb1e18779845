"""The garbage collector, told what a process of ours is like."""

import gc

ALLOCATIONS = 50_000
"""After so many it looks for cycles. A request or a batch makes thousands of containers and hardly a cycle; by default
it looks after 700 (measured: a seventh of what making statistics anew costs)."""


def settle() -> None:
    """Once a process has loaded what stays for ever: that is not looked through again, and the rest less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(ALLOCATIONS, 20, 50)
