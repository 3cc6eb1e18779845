"""What can be done at intake, a module for each noun: each act is one write."""
