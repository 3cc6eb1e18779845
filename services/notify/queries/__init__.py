"""What can be asked of notify, a module for each noun."""
