"""What two processes do when they write the same at once: the one that was overtaken begins anew."""

ATTEMPTS = 50
"""How often a write that somebody else overtook is made anew. With one active consumer it is hardly ever needed."""


class Overtaken(Exception):  # noqa: N818 (what happened, not an error of ours)
    """Others wrote the same documents again and again; the same call may succeed later."""
