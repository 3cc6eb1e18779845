"""notify: every message to a person or a partner system. Its rows are the truth about what was told to whom."""
