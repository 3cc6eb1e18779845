"""Workflow: who works on a dossier, by when, and how it ends."""
