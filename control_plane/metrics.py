"""Every metric of the control plane, in base units. No label carries a tenant, a monitor or a URL.

A label's values come from a closed set, and LABELS says from which: what could grow with the tenants is not a label.
Where a name is hot, its user keeps the labelled child. Those that tell of the whole installation say so: every process
says the same of it, so take their maximum, never their sum (docs/prometheus.md).
"""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import Counter, Gauge, Histogram, Info, disable_created_metrics

# OpenMetrics' timestamps of counters would double the series in the older text format.
disable_created_metrics()  # type: ignore[no-untyped-call]

LABELS: Mapping[str, str] = {
    "operation": "operations of the route table, and unmatched",
    "status": "1xx to 5xx; of items: stored, duplicate, late and the words that follow rejected:",
    "door": "doors of the route table",
    "reason": "why a credential is refused, a word of web/authentication.py",
    "kind": "kinds of pings; kinds of operator's incidents",
    "verdict": "up, degraded, down, unknown",
    "change": "opened, resolved",
    "transport": "names of notify.TRANSPORTS",
    "outcome": "of an attempt delivered, retry, dead; of a job's run ended, failed",
    "job": "names of jobs.JOBS",
    "step": "steps of retention",
    "region": "the operator's own regions, a handful; private regions have no label",
    "pool": "app, tenant",
    "cause": "away, contended",
    "state": "states of an agent",
    "walk": "walks of the rollup",
}
"""By name, the closed set that the values of a label come from."""

_QUICK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30)

BUILD = Info("farwatch_build", "The release that this process runs.")

REQUESTS = Counter("farwatch_http_requests", "Requests answered, by class of status.", ["operation", "status"])
REQUEST_SECONDS = Histogram(
    "farwatch_http_request_duration_seconds",
    "From the request's headers to the end of its response's headers.",
    ["operation"],
    buckets=_QUICK,
)
AUTHENTICATION_FAILURES = Counter("farwatch_authentication_failures", "Credentials refused.", ["door", "reason"])
REPLAYED_REQUESTS = Counter("farwatch_http_replayed_requests", "Requests answered from a stored reply.")
STREAMS = Gauge("farwatch_sse_streams", "Open event streams.")
STREAMS_CUT = Counter("farwatch_sse_streams_cut", "Event streams cut off because their reader was too slow.")

RESULTS = Counter("farwatch_results", "Items that agents sent, by what became of them.", ["status"])
BATCH_RESULTS = Histogram(
    "farwatch_batch_results", "Items of a batch of results.", buckets=(1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 10_000)
)
BATCH_SECONDS = Histogram(
    "farwatch_batch_duration_seconds",
    "From a batch that is read to its commit, the wait for its region's lane included.",
    buckets=_QUICK,
)
LANE_WAIT_SECONDS = Histogram(
    "farwatch_lane_wait_seconds", "Time that a batch waits in this process for others of its region.", buckets=_QUICK
)
JUDGEMENTS = Counter("farwatch_judgements", "Monitors judged, whether their verdict changed or not.")
TRANSITIONS = Counter("farwatch_transitions", "Changes of verdict.", ["verdict"])
INCIDENTS = Counter("farwatch_incidents", "Incidents opened and resolved by verdicts.", ["change"])
RECHECKS = Counter("farwatch_rechecks", "Instants for which re-checks were asked of all regions of a monitor.")
PINGS = Counter("farwatch_pings", "Pings of heartbeats, by what they say or what became of them.", ["kind"])
PING_DOOR_CLOSED = Counter("farwatch_ping_door_closed_seconds", "Time that no process could store pings.")

DELIVERY_ATTEMPTS = Counter("farwatch_delivery_attempts", "Attempts at a delivery.", ["transport", "outcome"])
DELIVERY_SECONDS = Histogram(
    "farwatch_delivery_duration_seconds",
    "Time that an attempt at a delivery takes.",
    ["transport"],
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
DELIVERIES_PENDING = Gauge("farwatch_deliveries_pending", "Deliveries of the installation that have not ended.")
DELIVERY_OVERDUE_SECONDS = Gauge(
    "farwatch_delivery_overdue_seconds",
    "Time since the longest due delivery of the installation became due; 0 while none is.",
)

JOB_RUNS = Counter("farwatch_job_runs", "Runs of a job that are over.", ["job", "outcome"])
JOB_SECONDS = Histogram("farwatch_job_duration_seconds", "Time that a run of a job takes.", ["job"])
JOB_LAST_SUCCESS = Gauge(
    "farwatch_job_last_success_timestamp_seconds",
    "When a run of the job last ended well; none for endless ones.",
    ["job"],
)
LOOP_LAG_SECONDS = Histogram(
    "farwatch_event_loop_lag_seconds",
    "How much later than asked the process woke a job: what every request waits as well.",
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
)
RETENTION_FAILURES = Counter(
    "farwatch_retention_failures", "Steps of retention that were left for the next run.", ["step"]
)

CONNECTIONS_MAX = Gauge("farwatch_database_connections_max", "Connections that the pool may hold.", ["pool"])
CONNECTIONS_USED = Gauge("farwatch_database_connections_in_use", "Connections that are checked out.", ["pool"])
CONNECTIONS_WAITED = Gauge("farwatch_database_connections_waited_for", "Who waits for a connection.", ["pool"])
CONNECTION_WAIT_SECONDS = Histogram(
    "farwatch_database_connection_wait_seconds", "Time until a connection is had.", ["pool"], buckets=_QUICK
)
DATABASE_REFUSALS = Counter(
    "farwatch_database_refusals", "Work given up: the database was away, or others were in the way.", ["cause"]
)
LISTENER_UP = Gauge("farwatch_listener_up", "1 while notifications of the database are heard, else 0.")
DATABASE_BYTES = Gauge("farwatch_database_size_bytes", "Size of the installation's database.")
PARTITIONS_AHEAD = Gauge("farwatch_partitions_ahead", "Days after today whose results have a place to go.")
ROLLUP_LAG_SECONDS = Gauge(
    "farwatch_rollup_lag_seconds", "Age of the newest slice that a walk of the rollup has finished.", ["walk"]
)

MONITORS = Gauge("farwatch_monitors", "Monitors of the installation, paused ones included.", ["verdict"])
INCIDENTS_OPEN = Gauge("farwatch_incidents_open", "Incidents of the installation's monitors that are open.")
OPERATOR_INCIDENTS_OPEN = Gauge("farwatch_operator_incidents_open", "Operator's incidents that are open.", ["kind"])
AGENTS = Gauge("farwatch_agents", "Agents of the installation by the worst that is true of them.", ["state"])
REGION_LIVE_AGENTS = Gauge("farwatch_region_live_agents", "Agents with a lease whose self-test passes.", ["region"])
REGION_MONITORS = Gauge("farwatch_region_monitors", "Running monitors that are watched from it.", ["region"])
REGION_VOTES_EXPIRED = Gauge(
    "farwatch_region_votes_expired", "Monitors whose vote ran out a minute ago or more while it was live.", ["region"]
)
REGION_SATURATION = Gauge(
    "farwatch_region_saturation_ratio", "Share of its places in use, of the fullest live agent.", ["region"]
)
REGION_LAG_SECONDS = Gauge(
    "farwatch_region_lag_seconds", "How late the event loop of its latest live agent is.", ["region"]
)
REGION_SPOOLED = Gauge("farwatch_region_spooled_results", "Results that its live agents have yet to send.", ["region"])
