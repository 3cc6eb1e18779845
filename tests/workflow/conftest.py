"""Intake and workflow as the tests of either need them: assembled in the test's process, on a real MongoDB."""

from tests.support.pair import clock, databases, intake, still, tokens, workflow
from tests.workflow.deciding import certificates, deciding

__all__ = ["certificates", "clock", "databases", "deciding", "intake", "still", "tokens", "workflow"]
