"""What leaves the province, and what may become of it. Plain Python."""
