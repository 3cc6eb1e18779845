"""What stats publishes: nothing yet. It writes nowhere but its own store."""

PUBLISHED: tuple[type, ...] = ()
