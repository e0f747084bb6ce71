"""Monitors as pages show them. Pure: rows of the store in, words and marks out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct

from control_plane.dashboard.charts.charts import Phases, Strip, median_latency, phases, strip
from control_plane.dashboard.monitors.kind_facts import brief
from control_plane.dashboard.words import (
    Moment,
    duration,
    maybe_moment,
    milliseconds,
    moment,
    sentence,
)
from control_plane.domain.checks.stored_check import read_check
from control_plane.domain.checks.target_text import target_text
from control_plane.domain.judging.reason_words import REASON_WORDS
from control_plane.store.monitor_reads import MonitorView, RegionState
from control_plane.store.overview_read import RecentResult
from control_plane.store.results_read import ResultRow
from shared.clock import from_unix_ms
from shared.results import OUTCOMES, REASONS, Detail, Outcome

STATES = ("down", "degraded", "unknown", "up", "maintenance", "paused")
"""What a monitor is shown as, in the order in which it wants attention."""

WORDS: Mapping[str, str] = {state: state.capitalize() for state in STATES}


class RegionMark(Struct, frozen=True):
    """One region's say, as a shape with words."""

    slug: str
    state: str
    text: str


class RegionRow(Struct, frozen=True):
    """One region's say in full."""

    mark: RegionMark
    name: str
    vote: str
    run: str
    since: Moment | None
    last: Moment | None
    message: str
    fresh: str = ""
    """How long its vote still counts, or that it does no more."""


class AdvisoryLine(Struct, frozen=True):
    """A region that calls it down while too few others do."""

    region: str
    text: str
    since: Moment
    may_drop: bool


class MonitorRow(Struct, frozen=True, kw_only=True):
    """A monitor in a list."""

    id: UUID
    name: str
    target: str
    state: str
    word: str
    sentence: str
    rest: str
    """The sentence after its word, for where the word stands out."""
    since: Moment
    regions: tuple[RegionMark, ...]
    latency: str | None
    last: Moment | None
    strip: Strip
    advisories: tuple[AdvisoryLine, ...] = ()


class ResultLine(Struct, frozen=True, kw_only=True):
    """A result in a list."""

    at: Moment
    region: str
    state: str
    word: str
    status: str
    total: str
    phases: Phases
    message: str
    agent: str


def said(view: MonitorView) -> str:
    """The state shown as a sentence."""
    match view.shown:
        case "paused":
            return "Paused: nothing checks it until it is resumed."
        case "maintenance":
            return f"Maintenance: nobody is alerted, and the time does not count. {sentence(view.reason)}"
        case _ if view.verdict == "down" and view.held_by:
            return f"{sentence(view.reason)} {sentence(f'no incident opens: {view.held_by}')}"
        case _:
            return sentence(view.reason)


def _rest(text: str, word: str) -> str:
    return text.removeprefix(word) if text.startswith(word) else f" · {text}"


def monitor_row(view: MonitorView, recent: Sequence[RecentResult], *, now: datetime) -> MonitorRow:
    state, check = view.shown, read_check(view.check)
    return MonitorRow(
        id=view.id,
        name=view.name,
        target=view.kind if check is None else target_text(check),
        state=state,
        word=WORDS[state],
        sentence=said(view),
        rest=_rest(said(view), WORDS[state]),
        since=moment(view.since, now),
        regions=tuple(region_mark(region, now_ms=view.now_ms, paused=not view.enabled) for region in view.regions),
        latency=median_latency(recent),
        last=_newest(view, now),
        strip=strip(recent),
        advisories=tuple(
            AdvisoryLine(
                one.region, sentence(one.words), moment(from_unix_ms(one.since_ms), now), len(view.regions) > 1
            )
            for one in view.advisories
        ),
    )


def region_mark(region: RegionState, *, now_ms: int, paused: bool) -> RegionMark:
    """Down, degraded, up; unknown while the region cannot run the check, is silent, or has not been heard."""
    if paused:
        return RegionMark(region.slug, "paused", f"{region.slug}: paused")
    match region.shown(now_ms):
        case "incapable":
            return RegionMark(region.slug, "unknown", f"{region.slug}: incapable, {region.incapable}")
        case "none":
            return RegionMark(region.slug, "unknown", f"{region.slug}: no vote yet")
        case "silent":
            return RegionMark(region.slug, "unknown", f"{region.slug}: silent, last said {region.vote}")
        case state:
            return RegionMark(region.slug, state, f"{region.slug}: {state}")


def region_row(region: RegionState, *, view: MonitorView, now: datetime, unjudged: str = "") -> RegionRow:
    """`unjudged`: why the newest result of the region says nothing of the target, if it does not."""
    mark = region_mark(region, now_ms=view.now_ms, paused=not view.enabled)
    since = None if region.vote_since is None else from_unix_ms(region.vote_since)
    last = from_unix_ms(region.newest_slot) if region.newest_slot else None
    return RegionRow(
        mark=mark,
        name=region.name,
        vote=_vote_words(region, mark, now_ms=view.now_ms),
        run=sentence(region.incapable) if region.incapable else _run_words(region, view.confirmations) or unjudged,
        since=maybe_moment(since, now),
        last=maybe_moment(last, now),
        message=_said(region),
        fresh=_freshness(region, view.now_ms),
    )


def _freshness(region: RegionState, now_ms: int) -> str:
    if region.vote is None:
        return "–"
    if not region.fresh(now_ms):
        return "counts no more"
    return f"counts {duration((region.newest_slot + (region.window_ms or 0) - now_ms) / 1000)} more"


def _said(region: RegionState) -> str:
    if region.incapable:
        return ""  # it saw nothing, and why stands beside its vote, where narrow screens show it, too
    has_trouble = region.bad_run or region.degraded_run or region.vote == "down" or region.degraded
    return sentence(region.message or "") if has_trouble else ""


def _vote_words(region: RegionState, mark: RegionMark, *, now_ms: int) -> str:
    if mark.state != "unknown":
        return WORDS[mark.state]
    match region.shown(now_ms):
        case "incapable":
            return "Incapable"
        case "none":
            return "No vote yet"
        case _:
            return f"Silent, last {region.vote}"


def _run_words(region: RegionState, confirmations: int) -> str:
    """How far the region is on its way to another vote."""
    if region.vote != "down" and 0 < region.bad_run < confirmations:
        return f"{region.bad_run} of {confirmations} failures that make a vote"
    if region.vote == "down" and 0 < region.good_run < confirmations:
        return f"{region.good_run} of {confirmations} successes that make a vote"
    if region.vote == "up" and 0 < region.degraded_run < confirmations:
        return f"{region.degraded_run} of {confirmations} degraded results that make it degraded"
    return ""


def _newest(view: MonitorView, now: datetime) -> Moment | None:
    newest = max((region.newest_slot for region in view.regions), default=0)
    return moment(from_unix_ms(newest), now) if newest else None


def unjudged(rows: Sequence[ResultRow]) -> dict[str, str]:
    """By region, of results with the newest first: what its newest says, where that judges nobody."""
    newest: dict[str, ResultRow] = {}
    for row in rows:
        newest.setdefault(row.region, row)
    return {slug: _not_judged(row) for slug, row in newest.items() if OUTCOMES[row.outcome] is Outcome.ERROR}


def _not_judged(row: ResultRow) -> str:
    detail = Detail() if row.detail is None else msgspec.json.decode(row.detail, type=Detail)
    return sentence(f"not judged: {detail.message or REASON_WORDS[REASONS[row.reason]]}")


def result_lines(rows: Sequence[ResultRow], agents: Mapping[int, str], *, now: datetime) -> list[ResultLine]:
    """Results with their phases drawn on one scale."""
    longest = max((_spent(row) for row in rows), default=1)
    return [_result_line(row, agents.get(row.agent_number, ""), longest_us=longest, now=now) for row in rows]


def _spent(row: ResultRow) -> int:
    return max(row.total_us or 0, sum(value or 0 for value in _timings(row).values()))


def _timings(row: ResultRow) -> dict[str, int | None]:
    return {
        "dns": row.dns_us,
        "connect": row.connect_us,
        "tls": row.tls_us,
        "ttfb": row.ttfb_us,
        "download": row.download_us,
    }


def _result_line(row: ResultRow, agent: str, *, longest_us: int, now: datetime) -> ResultLine:
    outcome = OUTCOMES[row.outcome].value
    reason = REASONS[row.reason]
    detail = Detail() if row.detail is None else msgspec.json.decode(row.detail, type=Detail)
    return ResultLine(
        at=moment(from_unix_ms(row.slot), now),
        region=row.region,
        state="unknown" if outcome == "error" else outcome,
        word="Not judged" if outcome == "error" else WORDS[outcome],
        status="" if row.http_status is None else str(row.http_status),
        total=milliseconds(None if row.total_us is None else row.total_us / 1000) or "–",
        phases=phases(_timings(row), longest_us=longest_us),
        message=sentence(detail.message or REASON_WORDS[reason] or brief(detail, now=now)),
        agent=agent,
    )
