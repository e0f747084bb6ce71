"""Test before save: run the check of a form once, in the region that was chosen, and say by phase what was seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import UNSET, Struct

from control_plane.dashboard.charts.charts import phases
from control_plane.dashboard.monitors.kind_facts import brief, phase_words
from control_plane.dashboard.monitors.monitor_form import MonitorForm
from control_plane.dashboard.monitors.monitor_views import WORDS
from control_plane.dashboard.visit import Visit
from control_plane.dashboard.words import count, milliseconds, sentence
from control_plane.domain.judging.reason_words import REASON_WORDS
from control_plane.domain.judging.verdict import Policy, required
from control_plane.errors import TooMany, Unavailable
from control_plane.services.monitors.test_check import TestReport, await_test, order_test
from control_plane.web import rate_limits
from control_plane.web.hub import TESTS
from shared.ids import MonitorId
from shared.results import CheckResult, Detail, Outcome

_PHASE_WORDS = {"dns": "DNS", "connect": "Connect", "tls": "TLS", "ttfb": "First byte", "download": "Download"}
_MOST_CONFIRMATIONS = 10


class PhaseLine(Struct, frozen=True):
    """One phase: its bar in coordinates of SCALE, and its time."""

    name: str
    words: str
    x: str
    width: str
    time: str


class TestLine(Struct, frozen=True, kw_only=True):
    """What one region saw, and how it would vote."""

    __test__ = False

    region: str
    state: str
    word: str
    status: str
    total: str
    message: str
    phases: tuple[PhaseLine, ...]
    vote: str


class TestView(Struct, frozen=True):
    """What came of a test; `problem` where nothing could be seen."""

    __test__ = False

    title: str
    lines: tuple[TestLine, ...] = ()
    problem: str = ""


async def run_test(
    visit: Visit, body: Mapping[str, Any], form: MonitorForm, *, monitor_id: MonitorId | None = None
) -> TestView:
    """The outcome in words. Raises BadRequest, Forbidden and Refused for a check that could not be saved either."""
    region = form.one("test-region")
    asked = {"check": body["check"]} | ({"regions": [region]} if region else {})
    try:
        report = await _report(visit, asked, monitor_id)
    except (Unavailable, TooMany) as error:
        return TestView("Not tested", problem=sentence(error.message))
    missing = " ".join(sentence(each.message) for each in report.warnings)
    lines = tuple(_line(each.region, each.result, form=form, visit=visit) for each in report.results)
    return TestView("Tested just now", lines, problem=missing)


async def _report(visit: Visit, body: Mapping[str, Any], monitor_id: MonitorId | None) -> TestReport:
    deps, tenant_id = visit.deps, visit.tenant_id
    rate_limits.count(visit.call.request, deps.limits, visit.caller, "test_now")
    order = await order_test(
        deps.database,
        deps.sealer,
        tenant_id=tenant_id,
        body=body,
        ports=deps.settings.security.tcp_ports,
        monitor_id=monitor_id,
    )
    with deps.hub.subscribe(*(f"{TESTS}:{id_}" for id_ in order.regions)) as heard:
        return await await_test(deps.database, order, tenant_id=tenant_id, wake=heard.get)


def _line(region: str, result: CheckResult, *, form: MonitorForm, visit: Visit) -> TestLine:
    detail = Detail() if result.detail is UNSET else result.detail
    is_error = result.outcome is Outcome.ERROR
    return TestLine(
        region=region,
        state="unknown" if is_error else result.outcome.value,
        word="Not judged" if is_error else WORDS[result.outcome.value],
        status="" if result.http_status is None else str(result.http_status),
        total=milliseconds(result.total) or "",
        message=sentence(detail.message or REASON_WORDS[result.reason] or brief(detail, now=visit.deps.now())),
        phases=phase_lines({name: getattr(result, name) for name in _PHASE_WORDS}, form.kind),
        vote=vote_words(result.outcome, form),
    )


def phase_lines(taken: Mapping[str, float | None], kind: str) -> tuple[PhaseLine, ...]:
    """The phases that ended, in milliseconds by name, each with its bar where it lay in time."""
    micro = {name: None if value is None else round(value * 1000) for name, value in taken.items()}
    longest = max(sum(value or 0 for value in micro.values()), 1)
    bars = {bar.name: bar for bar in phases(micro, longest_us=longest).bars}
    words = _PHASE_WORDS | ({} if kind == "http" else {"ttfb": phase_words(kind)["ttfb"].capitalize()})
    return tuple(
        PhaseLine(
            name,
            words[name],
            bars[name].x if name in bars else "0",
            bars[name].width if name in bars else "0",
            milliseconds(value) or "",
        )
        for name, value in taken.items()
        if value is not None
    )


def vote_words(outcome: Outcome, form: MonitorForm) -> str:
    """What this result would mean for the verdict under the policy of the form."""
    match outcome:
        case Outcome.UP:
            return "This region would vote up."
        case Outcome.DEGRADED:
            return "This region would vote up and call it degraded: slow, expiring or told to wait."
        case Outcome.ERROR:
            return "This region could not judge it, so it would cast no vote: that never counts as down."
    regions = max(len(form.all("regions")), 1)
    times = form.one("confirmations")
    in_a_row = int(times) if times.isdigit() and 1 < int(times[:3]) <= _MOST_CONFIRMATIONS else 1
    needed = required(_policy(form), regions)
    again = f" after {in_a_row} failures in a row" if in_a_row > 1 else ""
    if regions == 1:
        return f"This region would vote down{again}, and as it is the only one the verdict would be down."
    return (
        f"This region would vote down{again}. The verdict is down when {needed} of {count(regions, 'region')} say so."
    )


def _policy(form: MonitorForm) -> Policy:
    name, number = form.one("region-policy"), form.one("region-policy-count")
    if name == "count":
        return Policy("count", int(number) if number.isdigit() and 0 < len(number) < 4 else 1)
    return Policy(name) if name in ("any", "majority", "all") else Policy()  # type: ignore[arg-type]
