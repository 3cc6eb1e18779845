"""What can be done at workflow, a module for each noun: each act is one write."""
