"""stats: the archive of events, and every number that is made of it."""
