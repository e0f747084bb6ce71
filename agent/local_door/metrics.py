"""`farwatch_agent_…` for Prometheus, on a bind of its own that is off by default. Counters are read on scrape."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client.core import Metric

    from agent.local_door.watched import Watched


def render_metrics(app: Watched) -> bytes:
    """The text of /metrics. May run on any thread: what it reads changes one value at a time."""
    from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415 (seldom wanted)

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Exporter(app))
    return generate_latest(registry)


class Exporter:
    def __init__(self, app: Watched) -> None:
        self._app = app

    def collect(self) -> Iterator[Metric]:
        yield from self._counters()
        yield from self._gauges()

    def _counters(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily  # noqa: PLC0415

        tally = self._app.tally
        checks = CounterMetricFamily("farwatch_agent_checks", "Checks that ended.", labels=["outcome", "reason"])
        for (outcome, reason), count in list(tally.checks.items()):
            checks.add_metric([outcome.value, reason.value], count)
        yield checks
        shipped = CounterMetricFamily("farwatch_agent_results_settled", "Results settled.", labels=["status"])
        for status, count in list(tally.shipped.items()):
            shipped.add_metric([status], count)
        yield shipped
        for name, text, value in (
            ("send_failures", "Batches that could not be delivered.", tally.send_failures),
            ("results_unwritten", "Results that the spool could not take.", tally.unwritten),
            ("results_given_up", "Results that nobody will get.", tally.given_up),
        ):
            yield CounterMetricFamily(f"farwatch_agent_{name}", text, value=value)

    def _gauges(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily  # noqa: PLC0415

        session = self._app.session
        if session is None:
            return
        stats = session.work.look()
        gaps = CounterMetricFamily("farwatch_agent_gaps", "Slots given up unstarted.", labels=["cause"])
        gaps.add_metric(["capacity"], stats.gaps)
        gaps.add_metric(["crowd"], stats.crowded_gaps)
        yield gaps
        dropped = session.shipper.dropped
        yield CounterMetricFamily("farwatch_agent_results_dropped", "Results lost on disk.", value=dropped)
        for name, text, value in (
            ("assignments", "Assignments of the region.", len(session.work.entries)),
            ("checks_running", "Checks under way.", stats.running),
            ("checks_crowded", "Checks that wait for others at the same target.", stats.crowded),
            ("saturation_ratio", "Share of the places in use.", stats.saturation),
            ("results_pending", "Results not yet settled.", session.shipper.pending),
            ("refused", "1 while the control plane refuses the key.", int(session.refusal is not None)),
        ):
            yield GaugeMetricFamily(f"farwatch_agent_{name}", text, value=float(value))
