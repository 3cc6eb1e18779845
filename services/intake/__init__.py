"""Intake: the dossier as the applicant knows it."""
