"""What intake decides: plain Python, a module for each noun."""
