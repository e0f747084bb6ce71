"""What `farwatch monitors` tells of one monitor: results, latency, uptime, votes, verdict and what hangs on it."""

from __future__ import annotations

from control_plane.cli.finding import monitor_of
from control_plane.cli.reads import Read, command_of, milliseconds, option, percent, text, time_options

RESULTS = {
    "AT": text("slot"),
    "REGION": text("region"),
    "OUTCOME": text("outcome"),
    "REASON": text("reason"),
    "TOTAL MS": lambda r: milliseconds(r["timings"].get("total")),
    "MESSAGE": text("message"),
}
VOTES = {
    "REGION": text("region"),
    "VOTE": lambda v: v["vote"] or v["incapable"] or "none yet",
    "FRESH": lambda v: "yes" if v["fresh"] else "no",
    "SINCE": text("since"),
    "AGENTS": lambda v: f"{v['live_agents']} live",
    "MESSAGE": text("message"),
}
RELATED = {"STATE": text("state"), "NAME": text("name"), "ID": text("id")}
_LIMIT = option("limit", "At most this many.", type=int)
_REGION = option("region", "Of one region.")

READS = (
    Read(
        name="results",
        path="/monitors/{id}/results",
        help="List what the regions saw, newest first.",
        columns=RESULTS,
        rows="items",
        options=(*time_options(), _REGION, option("outcome", "up, degraded, down or error."), _LIMIT),
    ),
    Read(
        name="latency",
        path="/monitors/{id}/latency/by-region",
        help="Show how long it took, by region.",
        columns={
            "REGION": text("region"),
            "P50 MS": lambda r: milliseconds(r["summary"]["p50"]),
            "P95 MS": lambda r: milliseconds(r["summary"]["p95"]),
            "P99 MS": lambda r: milliseconds(r["summary"]["p99"]),
            "RESULTS": lambda r: str(r["summary"]["samples"]),
        },
        rows="regions",
        options=time_options(),
    ),
    Read(
        name="latency-over-time",
        path="/monitors/{id}/latency",
        help="Show how long it took, in steps of time.",
        columns={
            "AT": text("t"),
            "P50 MS": lambda b: milliseconds(b["p50"]),
            "P95 MS": lambda b: milliseconds(b["p95"]),
            "RESULTS": text("samples"),
        },
        rows="buckets",
        options=(*time_options(), _REGION),
    ),
    Read(
        name="uptime",
        path="/monitors/{id}/uptime",
        help="Show the share of time that it was up.",
        columns={
            "FROM": text("from"),
            "TO": text("to"),
            "UPTIME": lambda u: percent(u["uptime_pct"]),
            "DOWN S": lambda u: str(u["seconds"]["down"]),
        },
        options=(*time_options(), _REGION),
    ),
    Read(
        name="days",
        path="/monitors/{id}/uptime/daily",
        help="Show its uptime day by day.",
        columns={"DAY": text("date"), "UPTIME": lambda d: percent(d["uptime_pct"])},
        rows="days",
        options=(option("tz", "IANA time zone of the days."), option("days", "How many.", type=int)),
    ),
    Read(
        name="sla",
        path="/monitors/{id}/sla",
        help="Show what was promised of its uptime, and what is left of the budget.",
        columns={
            "TARGET": lambda s: percent(s["target"]),
            "UPTIME": lambda s: percent(s["uptime_pct"]),
            "STATE": text("state"),
            "LEFT S": text("left"),
        },
    ),
    Read(
        name="votes",
        path="/monitors/{id}/votes",
        help="Show what each region says now.",
        columns=VOTES,
        rows="regions",
    ),
    Read(
        name="verdict",
        path="/monitors/{id}/verdict",
        help="Explain the verdict: the rule, the votes, and what would change it.",
        columns={"VERDICT": text("verdict"), "RULE": text("rule"), "WHY": text("reason"), "SINCE": text("since")},
    ),
    Read(
        name="transitions",
        path="/monitors/{id}/transitions",
        help="List the changes of its verdict, newest first.",
        columns={"AT": text("at"), "FROM": text("previous"), "TO": text("verdict"), "WHY": text("reason")},
        rows="items",
        options=(*time_options(), _LIMIT),
    ),
    Read(
        name="incidents",
        path="/monitors/{id}/incidents",
        help="List its incidents, newest first.",
        columns={
            "NUMBER": text("number"),
            "STATE": text("state"),
            "TITLE": text("title"),
            "STARTED": text("started_at"),
            "ID": text("id"),
        },
        rows="items",
        options=(option("state", "open, triggered, acknowledged or resolved."), *time_options(), _LIMIT),
    ),
    Read(
        name="deliveries",
        path="/monitors/{id}/deliveries",
        help="List what its channels were told, newest first.",
        columns={
            "NOTICE": text("notice"),
            "CHANNEL": text("channel_name"),
            "STATE": text("state"),
            "ATTEMPTS": text("attempts"),
            "AT": text("created_at"),
            "ID": text("id"),
        },
        rows="items",
        options=(option("state", "Such as delivered or dead."), _LIMIT),
    ),
    Read(
        name="dependents",
        path="/monitors/{id}/dependents",
        help="List the monitors that depend on it.",
        columns=RELATED,
        rows="items",
    ),
)
COMMANDS = tuple(command_of(read, argument="MONITOR", find=monitor_of) for read in READS)
"""What `farwatch monitors` has of these."""
