"""What stats consumes: everything of the other services."""

from chassis.consume import Subscription
from stats.inbound import READINGS
from stats.usecases import UseCases

PATTERNS = ("catalog.#", "intake.#", "workflow.#", "notify.#")


def table(use: UseCases) -> list[Subscription]:
    return [Subscription(use.take, {**READINGS, **dict.fromkeys(PATTERNS, dict)})]
