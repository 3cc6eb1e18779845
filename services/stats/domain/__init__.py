"""What stats knows of dossiers, and what they count for. Plain Python."""
