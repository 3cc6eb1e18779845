"""Sample clients of the public feed: documentation that runs. See README.md."""
