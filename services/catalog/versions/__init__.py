"""Two versions of a procedure compared, a day's catalogue counted, the fees of a day."""
