"""Intake and workflow as the tests of either need them: assembled in the test's process, on a real MongoDB."""

from tests.intake.paying import paying
from tests.support.pair import clock, databases, intake, still, tokens, workflow

__all__ = ["clock", "databases", "intake", "paying", "still", "tokens", "workflow"]
