"""Papers that a database replaces: many at once, from a decree's annex."""
