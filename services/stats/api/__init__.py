"""stats' routes, a module for each noun: parse, call one use case or query, answer."""

READ = "stats.read"
DOSSIERS = "stats.dossiers"
FEED = "stats.feed"
REPORTS = "reports.read"
PUBLISH = "reports.publish"
SCOPES = {
    READ: "Reads every count and indicator of the province, and compares the counts with intake's dossiers",
    DOSSIERS: "Lists the dossiers behind a number: those of one's own agency and of the agencies below it",
    FEED: "Follows the feed of statistics, and pulls what EMC is told: monitoring systems",
    REPORTS: "Has reports made and reads them: those of one's own agency and of the agencies below it",
    PUBLISH: "Publishes reports, which then stay as they are: leaders",
}
