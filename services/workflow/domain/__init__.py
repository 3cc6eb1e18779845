"""What workflow is about, in plain Python: `processes` is the aggregate, `parts` what it is made of, the others are
its acts."""
