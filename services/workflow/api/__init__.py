"""Workflow's routes, a module for each noun: parse, call one use case or query, answer."""

SCOPES = {
    "tasks.read": "Reads the tasks of the own agency, and the course of the dossiers that it works on",
    "tasks.work": "Claims and completes the tasks of the own agency",
    "dossiers.read_all": "Reads every dossier of the province",
    "any_agency": "Acts for every agency: migration from an older system, the province's integration bus",
}
