"""What notify takes and answers over HTTP, a module for each noun."""
