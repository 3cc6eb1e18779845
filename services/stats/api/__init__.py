"""stats' routes, a module for each noun: parse, call one use case or query, answer."""

READ = "stats.read"
SCOPES = {READ: "Reads every count and indicator of the province, and compares the counts with intake's dossiers"}
