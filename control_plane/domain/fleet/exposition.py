"""A tenant's monitors for Prometheus, in the names of blackbox_exporter (prober/*.go there), and in Farwatch's own.

Both text formats want the samples of a name together, so a family is written for all monitors before the next one.
All are gauges, whose lines the two formats share; only the end differs (OpenMetrics 1.0.0: `# EOF`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from ipaddress import ip_address
from typing import Any

import msgspec
from msgspec import Struct

from shared.results import OUTCOMES, REASONS, Outcome, Reason

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
END = b"# EOF\n"

_CHUNK = 500
"""Monitors whose samples are written at once: about a millisecond of work."""

_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})

VERDICTS = ("up", "degraded", "down", "unknown")


class Facts(Struct, frozen=True):
    """What of a result's detail becomes a sample; the rest is passed over."""

    address: str | None = None
    http_version: str | None = None
    tls_version: str | None = None
    cert_expires_at: int | None = None
    answers: Sequence[str] = ()
    domain: Mapping[str, Any] | None = None


class Watched(Struct, frozen=True, kw_only=True):
    """A monitor. `since_s` in Unix seconds. `labels` is the text of its labels, without braces."""

    id: str
    tags: Sequence[str]
    labels: str
    verdict: str
    since_s: float
    enabled: bool
    in_maintenance: bool
    incident_open: bool


class Probe(Struct, frozen=True, kw_only=True):
    """The newest result of a region that still counts. Durations in µs, `slot` in Unix ms, outcome, reason by number.

    `labels` is the text of its labels, the region's included.
    """

    kind: str
    labels: str
    slot: int
    outcome: int
    reason: int
    http_status: int | None
    dns_us: int | None
    connect_us: int | None
    tls_us: int | None
    ttfb_us: int | None
    download_us: int | None
    total_us: int | None
    facts: Facts


Samples = Iterable[tuple[str, float]]
"""Further labels as text, led by a comma, and the value."""

_facts = msgspec.json.Decoder(Facts)
_NO_FACTS = Facts()


def read_facts(detail: str | None) -> Facts:
    """The facts of a stored detail. A newer control plane may have written what this one cannot read: then none."""
    if detail is None:
        return _NO_FACTS
    try:
        return _facts.decode(detail)
    except msgspec.MsgspecError:
        return _NO_FACTS


def label(name: str, value: str) -> str:
    """One label as both formats write it."""
    return f'{name}="{value.translate(_ESCAPES)}"'


def labels_of(*, monitor: str, number: int, kind: str, group: str | None) -> str:
    """The labels of a monitor. `number` tells monitors of one name apart; a group is left out where there is none."""
    text = f"{label('monitor', monitor)},{label('number', str(number))},{label('kind', kind)}"
    return f"{text},{label('group', group)}" if group else text


def _success(probe: Probe) -> Samples:
    yield "", float(OUTCOMES[probe.outcome] in (Outcome.UP, Outcome.DEGRADED))


def _phases(*phases: tuple[str, str | None]) -> Callable[[Probe], Samples]:
    """What has no counterpart here, or did not happen, is 0 in blackbox_exporter as well."""
    named = [(f",{label('phase', phase)}", field) for phase, field in phases]

    def samples(probe: Probe) -> Samples:
        return [(text, 0.0 if field is None else _seconds(getattr(probe, field))) for text, field in named]

    return samples


def _ip_version(probe: Probe) -> Samples:
    if probe.facts.address is not None:
        try:
            yield "", float(ip_address(probe.facts.address.partition("%")[0].strip("[]")).version)
        except ValueError:
            return


def _http_version(probe: Probe) -> Samples:
    try:
        yield "", float((probe.facts.http_version or "").rpartition("/")[2] or 0)
    except ValueError:
        yield "", 0.0


def _tls_version(probe: Probe) -> Samples:
    if probe.facts.tls_version is not None:
        yield f",{label('version', probe.facts.tls_version.replace('TLSv', 'TLS '))}", 1.0


def _certificate(probe: Probe) -> Samples:
    if probe.facts.cert_expires_at is not None:
        yield "", float(probe.facts.cert_expires_at)


def _domain(probe: Probe) -> Samples:
    expires_at = (probe.facts.domain or {}).get("expires_at")
    if isinstance(expires_at, int):
        yield "", float(expires_at)


def _outcome(probe: Probe) -> Samples:
    outcome, reason = OUTCOMES[probe.outcome], REASONS[probe.reason]
    yield f",{label('outcome', outcome.value)},{label('reason', reason.value)}", 1.0


def _verdict(monitor: Watched) -> Samples:
    return [(f',verdict="{verdict}"', float(monitor.verdict == verdict)) for verdict in VERDICTS]


def _info(monitor: Watched) -> Samples:
    tags = f",{','.join(monitor.tags)}," if monitor.tags else ""
    yield f",{label('id', monitor.id)},{label('tags', tags)}", 1.0


class ProbeFamily(Struct, frozen=True):
    """A name of probes. `kinds` None: of every kind."""

    name: str
    help: str
    samples: Callable[[Probe], Samples]
    kinds: frozenset[str] | None = None


class MonitorFamily(Struct, frozen=True):
    """A name of monitors."""

    name: str
    help: str
    samples: Callable[[Watched], Samples]


_HTTP, _TCP, _DNS, _PING = (frozenset({kind}) for kind in ("http", "tcp", "dns", "ping"))

PROBE_FAMILIES: tuple[ProbeFamily, ...] = (
    ProbeFamily("probe_success", "Displays whether or not the probe was a success", _success),
    ProbeFamily(
        "probe_duration_seconds",
        "Returns how long the probe took to complete in seconds",
        lambda probe: (("", _seconds(probe.total_us)),),
    ),
    ProbeFamily(
        "probe_dns_lookup_time_seconds",
        "Returns the time taken for probe dns lookup in seconds",
        lambda probe: (("", _seconds(probe.dns_us)),),
    ),
    ProbeFamily("probe_ip_protocol", "Specifies whether probe ip protocol is IP4 or IP6", _ip_version),
    ProbeFamily(
        "probe_http_duration_seconds",
        "Duration of http request by phase, summed over all redirects",
        _phases(
            *(("resolve", "dns_us"), ("connect", "connect_us"), ("tls", "tls_us")),
            *(("processing", "ttfb_us"), ("transfer", "download_us")),
        ),
        _HTTP,
    ),
    ProbeFamily(
        "probe_http_status_code",
        "Response HTTP status code",
        lambda probe: (("", float(probe.http_status or 0)),),
        _HTTP,
    ),
    ProbeFamily("probe_http_version", "Returns the version of HTTP of the probe response", _http_version, _HTTP),
    ProbeFamily(
        "probe_http_ssl",
        "Indicates if SSL was used for the final redirect",
        lambda probe: (("", float(probe.facts.tls_version is not None)),),
        _HTTP,
    ),
    ProbeFamily(
        "probe_failed_due_to_regex",
        "Indicates if probe failed due to regex",
        lambda probe: (("", float(REASONS[probe.reason] is Reason.ASSERTION)),),
        _HTTP | _TCP,
    ),
    ProbeFamily(
        "probe_icmp_duration_seconds",
        "Duration of icmp request by phase",
        _phases(("resolve", "dns_us"), ("setup", None), ("rtt", "ttfb_us")),
        _PING,
    ),
    ProbeFamily(
        "probe_dns_duration_seconds",
        "Duration of DNS request by phase",
        _phases(("resolve", "dns_us"), ("connect", "connect_us"), ("request", "ttfb_us")),
        _DNS,
    ),
    ProbeFamily(
        "probe_dns_answer_rrs",
        "Returns number of entries in the answer resource record list",
        lambda probe: (("", float(len(probe.facts.answers))),),
        _DNS,
    ),
    ProbeFamily("probe_ssl_earliest_cert_expiry", "Returns last SSL chain expiry in unixtime", _certificate),
    ProbeFamily("probe_tls_version_info", "Returns the TLS version used or NaN when unknown", _tls_version),
    ProbeFamily("farwatch_probe_outcome", "What Farwatch makes of it: outcome and reason as in a result", _outcome),
    ProbeFamily(
        "farwatch_probe_timestamp_seconds",
        "The scheduled instant of this result in unixtime",
        lambda probe: (("", probe.slot / 1000),),
    ),
    ProbeFamily(
        "farwatch_probe_domain_expiry_timestamp_seconds",
        "When the registration of the domain ends in unixtime",
        _domain,
        frozenset({"domain_expiry"}),
    ),
)

MONITOR_FAMILIES: tuple[MonitorFamily, ...] = (
    MonitorFamily("farwatch_monitor_info", "A monitor, its id and its tags, with a comma before and after each", _info),
    MonitorFamily("farwatch_monitor_verdict", "1 for the verdict that the votes prove, 0 for the others", _verdict),
    MonitorFamily(
        "farwatch_monitor_verdict_since_timestamp_seconds",
        "Since when the verdict is this one in unixtime",
        lambda monitor: (("", monitor.since_s),),
    ),
    MonitorFamily(
        "farwatch_monitor_incident_open",
        "1 while the monitor has an open incident of its own",
        lambda monitor: (("", float(monitor.incident_open)),),
    ),
    MonitorFamily(
        "farwatch_monitor_in_maintenance",
        "1 while a maintenance window covers the monitor",
        lambda monitor: (("", float(monitor.in_maintenance)),),
    ),
    MonitorFamily(
        "farwatch_monitor_paused",
        "1 while the monitor is paused: then it has no probes",
        lambda monitor: (("", float(not monitor.enabled)),),
    ),
)


def expose(monitors: Sequence[Watched], probes: Sequence[Probe], *, openmetrics: bool) -> Iterator[bytes]:
    """The text in parts of some milliseconds' work each. A name without a sample is left out."""
    for family in PROBE_FAMILIES:
        kinds = family.kinds
        yield from _written(family, probes if kinds is None else [each for each in probes if each.kind in kinds])
    for of_monitors in MONITOR_FAMILIES:
        yield from _written(of_monitors, monitors)
    if openmetrics:
        yield END


def _written(family: ProbeFamily | MonitorFamily, of: Sequence[Any]) -> Iterator[bytes]:
    head = f"# HELP {family.name} {family.help}\n# TYPE {family.name} gauge\n"
    for start in range(0, len(of), _CHUNK):
        lines = [
            f"{family.name}{{{one.labels}{more}}} {value!r}\n"
            for one in of[start : start + _CHUNK]
            for more, value in family.samples(one)
        ]
        if lines:
            yield (head + "".join(lines)).encode()
            head = ""


def _seconds(microseconds: int | None) -> float:
    return 0.0 if microseconds is None else microseconds / 1_000_000
