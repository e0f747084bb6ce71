"""What a check saw, in the names of blackbox_exporter (github.com/prometheus/blackbox_exporter, prober/*.go)."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from typing import TYPE_CHECKING

from agent.checks.check import CheckOutcome
from shared.checks import Check, kind_of
from shared.results import Outcome, Reason

if TYPE_CHECKING:
    from prometheus_client.core import GaugeMetricFamily, Metric

_PHASES = {
    "http": ("probe_http_duration_seconds", "Duration of http request by phase, summed over all redirects"),
    "ping": ("probe_icmp_duration_seconds", "Duration of icmp request by phase"),
    "dns": ("probe_dns_duration_seconds", "Duration of DNS request by phase"),
}
_NAMES: dict[str, dict[str, str | None]] = {
    "http": {"resolve": "dns", "connect": "connect", "tls": "tls", "processing": "ttfb", "transfer": "download"},
    "ping": {"resolve": "dns", "setup": None, "rtt": "ttfb"},
    "dns": {"resolve": "dns", "connect": "connect", "request": "ttfb"},
}
"""Their phases and ours. What has no counterpart, or did not happen, is 0 there as well."""


def render_outcome(check: Check, outcome: CheckOutcome) -> bytes:
    """The text of one probe."""
    from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415 (seldom wanted)

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Seen(check, outcome))
    return generate_latest(registry)


class _Seen:
    def __init__(self, check: Check, outcome: CheckOutcome) -> None:
        self._kind = kind_of(check)
        self._outcome = outcome

    def collect(self) -> Iterator[Metric]:
        outcome = self._outcome
        is_success = outcome.outcome in (Outcome.UP, Outcome.DEGRADED)
        yield _gauge("probe_success", "Displays whether or not the probe was a success", float(is_success))
        took = "Returns how long the probe took to complete in seconds"
        yield _gauge("probe_duration_seconds", took, _seconds(outcome.total))
        lookup = "Returns the time taken for probe dns lookup in seconds"
        yield _gauge("probe_dns_lookup_time_seconds", lookup, _seconds(outcome.dns))
        if (version := _ip_version(outcome.detail.address)) is not None:
            yield _gauge("probe_ip_protocol", "Specifies whether probe ip protocol is IP4 or IP6", version)
        judged = "What Farwatch makes of it: outcome and reason as in a result"
        yield _info("farwatch_probe_outcome", judged, outcome=outcome.outcome.value, reason=outcome.reason.value)
        yield from self._phases()
        if self._kind == "http":
            yield from self._http()
        if self._kind == "tcp":
            failed = float(outcome.reason is Reason.ASSERTION)
            yield _gauge("probe_failed_due_to_regex", "Indicates if probe failed due to regex", failed)
        if self._kind == "dns":
            count = float(len(outcome.detail.answers))
            yield _gauge("probe_dns_answer_rrs", "Returns number of entries in the answer resource record list", count)
        yield from self._tls()

    def _phases(self) -> Iterator[Metric]:
        from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415

        if self._kind not in _PHASES:
            return
        name, text = _PHASES[self._kind]
        family = GaugeMetricFamily(name, text, labels=["phase"])
        for phase, field in _NAMES[self._kind].items():
            family.add_metric([phase], 0.0 if field is None else _seconds(getattr(self._outcome, field)))
        yield family

    def _http(self) -> Iterator[Metric]:
        outcome, detail = self._outcome, self._outcome.detail
        yield _gauge("probe_http_status_code", "Response HTTP status code", float(outcome.http_status or 0))
        version = _number(detail.http_version)
        yield _gauge("probe_http_version", "Returns the version of HTTP of the probe response", version)
        is_tls = float(detail.tls_version is not None)
        yield _gauge("probe_http_ssl", "Indicates if SSL was used for the final redirect", is_tls)
        failed = float(outcome.reason is Reason.ASSERTION)
        yield _gauge("probe_failed_due_to_regex", "Indicates if probe failed due to regex", failed)

    def _tls(self) -> Iterator[Metric]:
        detail = self._outcome.detail
        if detail.cert_expires_at is not None:
            text = "Returns last SSL chain expiry in unixtime"
            yield _gauge("probe_ssl_earliest_cert_expiry", text, float(detail.cert_expires_at))
        if detail.tls_version is not None:
            text = "Returns the TLS version used or NaN when unknown"
            yield _info("probe_tls_version_info", text, version=detail.tls_version.replace("TLSv", "TLS "))


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415

    return GaugeMetricFamily(name, text, value=value)


def _info(name: str, text: str, **labels: str) -> GaugeMetricFamily:
    from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415

    family = GaugeMetricFamily(name, text, labels=list(labels))
    family.add_metric(list(labels.values()), 1.0)
    return family


def _seconds(milliseconds: float | None) -> float:
    return 0.0 if milliseconds is None else round(milliseconds / 1000, 6)


def _ip_version(address: str | None) -> float | None:
    try:
        return None if address is None else float(ip_address(address.partition("%")[0].strip("[]")).version)
    except ValueError:
        return None


def _number(version: str | None) -> float:
    try:
        return float((version or "").rpartition("/")[2])
    except ValueError:
        return 0.0
