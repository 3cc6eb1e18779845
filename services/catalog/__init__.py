"""Catalog: what a province offers, who offers it, and on which days it works."""
