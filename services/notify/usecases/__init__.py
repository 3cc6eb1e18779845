"""What can be done at notify, a module for each noun."""
