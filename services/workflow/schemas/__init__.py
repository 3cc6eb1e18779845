"""The bodies and answers of workflow's API, a module for each noun."""
