"""What the partners are told, and when. Plain Python."""
