"""What stats consumes: everything of the other services."""

from chassis.consume import Subscription
from stats.inbound import READINGS
from stats.usecases.events import Taking

PATTERNS = ("catalog.#", "intake.#", "workflow.#", "notify.#")


def table(taking: Taking) -> list[Subscription]:
    return [Subscription(taking.take, {**READINGS, **dict.fromkeys(PATTERNS, dict)})]
