"""The bodies and answers of intake's API, a module for each noun."""
