"""What identifies a person, and how it is left out."""

from typing import Any


def impersonal(data: Any) -> Any:
    """An event's data without what identifies a person, which is in fields named `personal` and nowhere else."""
    kind = type(data)
    if kind is dict:
        return {key: impersonal(value) for key, value in data.items() if key != "personal"}
    return [impersonal(value) for value in data] if kind is list else data
