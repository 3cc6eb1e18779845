"""Every metric of every service, in one list. Labels are types and names from the code, never what names a person."""

from functools import partial

from prometheus_client import Counter, Histogram
from prometheus_client import Gauge as AnyGauge

# Of several web processes (scrape.py), as of one: a gauge stands once and without a label for the process.
Gauge = partial(AnyGauge, multiprocess_mode="livemax")

REQUESTS = Histogram(
    "motcua_http_request_seconds", "Time to answer a request", ["method", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)  # fmt: skip
RELAYED = Counter("motcua_relayed_events", "Events taken from outboxes and confirmed by the broker")
CARRIED = Counter("motcua_carried_events", "Events published by the worker that caused them, right after its write")
RELAY_FAILURES = Counter("motcua_relay_failures", "Rounds of the relay that failed", ["reason"])
OUTBOX_AGE = Gauge("motcua_outbox_oldest_seconds", "Age of the oldest event that waits in an outbox; 0 when none does")
CONSUMED = Counter("motcua_consumed_events", "Events consumed, by what became of them", ["type", "outcome"])
BATCH = Histogram(
    "motcua_consumed_batch_size", "Messages applied with one write", buckets=(1, 3, 10, 30, 100, 200, 300, 500)
)
QUEUE_DEPTH = Gauge("motcua_queue_messages", "Messages ready in the service's queues", ["queue"])
QUEUE_AGE = Gauge("motcua_queue_oldest_seconds", "Age of the oldest queued message, at most; 0 when the queue is empty")
ATTEMPTS = Counter(
    "motcua_message_attempts", "Attempts to deliver a message, by what became of them", ["channel", "outcome"]
)
UNSENT_AGE = Gauge(
    "motcua_unsent_oldest_seconds",
    "How long the longest waiting message or row for a partner is overdue to be sent; 0 when none is",
    ["channel"],
)
UNSENT = Gauge(
    "motcua_unsent_rows", "Messages or rows for a partner that wait or are being sent, 10,000 at most",
    ["channel", "state"],
)  # fmt: skip
SEND_SECONDS = Histogram(
    "motcua_send_seconds", "Time in which another side took or refused one lot", ["channel"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20),
)  # fmt: skip
OUTLET_AWAY = Gauge("motcua_outlet_away", "1 while a mail server, provider or partner cannot be used", ["outlet"])
AWAYS = Counter(
    "motcua_outlet_failures", "How often another side could not be used, by how far it had come", ["channel", "stage"]
)
HELD_BACK = Counter("motcua_held_back_rows", "Messages postponed by a limit on how many go out", ["channel", "limit"])
SMS_SEGMENTS = Counter(
    "motcua_sms_segments", "Segments of SMS that a provider took, each of which is paid for", ["provider", "encoding"]
)
RECEIPTS = Counter("motcua_receipts", "What providers said of messages that they took", ["provider", "outcome"])
PORTAL_ROWS = Gauge(
    "motcua_portal_rows",
    "Rows for the national portal that wait, or that it refused, 10,000 at most",
    ["kind", "state"],
)
PARTNER_REFUSED = Gauge(
    "motcua_partner_refused_rows",
    "Rows that a partner system refused and nobody has repaired, 10,000 at most",
    ["channel"],
)
PORTAL_GAPS = Counter(
    "motcua_portal_gaps", "Events that did not come in time, so that the national portal was told of later ones first"
)
WEBHOOKS = Gauge("motcua_webhooks", "Webhooks that are told of events, and those that were disabled", ["state"])
FILES_WAITING = Gauge("motcua_files_to_scan", "Files that no virus scanner has seen, 10,000 at most", ["scan"])
SCAN_AGE = Gauge("motcua_files_to_scan_oldest_seconds", "Age of the oldest pending file; 0 when none is")
SCANNED = Counter("motcua_files_scanned", "Files scanned, by what was found", ["outcome"])
SWEPT = Counter("motcua_files_swept", "What nothing named and was taken away", ["what"])
POPULATION = Counter("motcua_population_lookups", "Look-ups in the population database, by what came of it", ["state"])
INDICATOR_NUMERATOR = Gauge(
    "motcua_indicator_numerator", "Of the province's main indicators in the current year", ["indicator"]
)
INDICATOR_DENOMINATOR = Gauge(
    "motcua_indicator_denominator", "Of the same; NaN for what is a number and no share", ["indicator"]
)
INDICATOR_TARGET = Gauge(
    "motcua_indicator_target", "The share that the province was assigned; NaN when none is", ["indicator"]
)
DOSSIERS = Gauge("motcua_dossiers", "Dossiers of the province at hand now", ["state"])
FEED_CURSOR = Gauge("motcua_feed_cursor", "The newest entry of the feed, and the newest one in its stream", ["place"])
FEED_AGE = Gauge("motcua_feed_newest_age_seconds", "Age of the feed's newest entry; 0 when it has none")
FEED_FOLLOWERS = AnyGauge(
    "motcua_feed_followers", "Callers that hold a stream of the feed or wait for its next entry",
    multiprocess_mode="livesum",
)  # fmt: skip
