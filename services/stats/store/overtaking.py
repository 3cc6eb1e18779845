"""What happens to one of two who do the same at once."""


class Overtaken(Exception):  # noqa: N818 (what happened, not an error of ours)
    """Somebody else has done meanwhile what this one was about to do."""
