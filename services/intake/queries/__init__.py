"""What can be asked of intake, a module for each noun."""
