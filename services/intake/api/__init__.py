"""Intake's routes, a module for each noun: parse, call one use case or query, answer."""

SCOPES = {
    "dossiers.file": "Files dossiers; whoever files online owns the dossier",
    "dossiers.receive": "Officers of a one-stop unit: files at the counter, receives, refuses and hands over, for its "
    "own agency",
    "dossiers.read": "Reads the dossiers of the own agency, or for people the own ones",
    "dossiers.read_all": "Reads every dossier of the province",
    "dossiers.recount": "Reads every dossier's dimensions and instants, nothing personal, for recounts",
    "documents.read": "Looks into the electronic store of people's documents: people into their own, officers for a "
    "dossier at their counter",
    "payments.reconcile": "Accountants: reads unmatched payments, places and refunds them, reverses payments, imports "
    "banks' files; of the own agency, or of the province",
    "population.audit": "Reads the log of look-ups in the population database",
    "any_agency": "Acts for every agency: migration from an older system, the province's integration bus",
}
