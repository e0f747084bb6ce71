"""Every metric of the control plane, in base units; no label carries a tenant, a monitor or a URL."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter("farwatch_http_requests", "Requests answered.", ["operation", "status"])
REQUEST_SECONDS = Histogram(
    "farwatch_http_request_duration_seconds",
    "From the request's headers to the end of its response's headers.",
    ["operation"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30),
)
AUTHENTICATION_FAILURES = Counter("farwatch_authentication_failures", "Credentials refused.", ["door", "reason"])
REPLAYED_REQUESTS = Counter("farwatch_http_replayed_requests", "Requests answered from a stored reply.")

RESULTS = Counter("farwatch_results", "Items that agents sent, by what became of them.", ["status"])
PINGS = Counter("farwatch_pings", "Pings of heartbeats, by what they say or what became of them.", ["kind"])
PING_DOOR_CLOSED = Counter("farwatch_ping_door_closed_seconds", "Time that no process could store pings.")
TRANSITIONS = Counter("farwatch_transitions", "Changes of verdict.", ["verdict"])
INCIDENTS = Counter("farwatch_incidents", "Incidents opened and resolved.", ["change"])
DELIVERY_ATTEMPTS = Counter("farwatch_delivery_attempts", "Attempts at a delivery.", ["transport", "outcome"])
JOB_RUNS = Counter("farwatch_job_runs", "Runs of a job.", ["job", "outcome"])
JOB_SECONDS = Histogram("farwatch_job_duration_seconds", "Time that a run of a job takes.", ["job"])
RETENTION_FAILURES = Counter(
    "farwatch_retention_failures", "Steps of retention that were left for the next run.", ["step"]
)
STREAMS = Gauge("farwatch_sse_streams", "Open event streams.")
STREAMS_CUT = Counter("farwatch_sse_streams_cut", "Event streams cut off because their reader was too slow.")
OPERATOR_INCIDENTS_OPEN = Gauge("farwatch_operator_incidents_open", "Operator's incidents that are open.", ["kind"])

# The operator's own regions alone, so a handful; private regions have no label.
REGION_LIVE_AGENTS = Gauge("farwatch_region_live_agents", "Agents with a lease whose self-test passes.", ["region"])
REGION_MONITORS = Gauge("farwatch_region_monitors", "Running monitors that are watched from it.", ["region"])
REGION_VOTES_EXPIRED = Gauge(
    "farwatch_region_votes_expired", "Monitors whose vote ran out a minute ago or more while it was live.", ["region"]
)
