"""Reviews of the level lists (rà soát danh mục): campaigns, proposals, opinions, decisions, and their effect."""
