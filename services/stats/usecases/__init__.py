"""What stats does, a module for each noun."""
