"""What can be asked of workflow, a module for each noun."""
