"""What can be asked of stats, a module for each noun."""
