"""Workflow's routes, a module for each noun: parse, call one use case or query, answer."""

SCOPES = {
    "tasks.read": "Reads the tasks of the own agency, and the course of the dossiers that it works on",
    "tasks.work": "Claims and completes the tasks of the own agency",
    "results.sign": "Signs, recalls and replaces results of the dossiers that the own agency works on",
    "results.read": "Reads the result of the own dossier, and of those that the own agency works on",
    "dossiers.read_all": "Reads every dossier of the province",
    "processes.simulate": "Tries a procedure's process on made-up dossiers before it is published",
    "any_agency": "Acts for every agency: migration from an older system, the province's integration bus",
}
