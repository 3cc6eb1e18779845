"""The targets that agencies are assigned, by year."""
