"""What badges say of a monitor: figures in, words and a tone out. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Literal

import msgspec
from msgspec import Struct

from control_plane.domain.pages.badge import Badge, Tone, clean

BadgeKind = Literal["status", "uptime", "latency", "certificate"]
Period = Literal["24h", "7d", "30d", "90d"]

PERIODS: Mapping[Period, timedelta] = {
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    "90d": timedelta(days=90),
}
PERIOD_WORDS: Mapping[Period, str] = {"24h": "24 hours", "7d": "7 days", "30d": "30 days", "90d": "90 days"}

NO_DATA = "no data"
_STATES: Mapping[str, tuple[str, Tone]] = {
    "up": ("up", "good"),
    "degraded": ("degraded", "warn"),
    "down": ("down", "bad"),
    "maintenance": ("maintenance", "info"),
    "paused": ("paused", "quiet"),
    "unknown": (NO_DATA, "quiet"),
}
_UPTIME_TONES: tuple[tuple[float, Tone], ...] = ((99.9, "good"), (99.0, "fair"), (95.0, "warn"))
_DAY_S = 86_400
WARN_DAYS, CRITICAL_DAYS = 14, 7


def status_badge(state: str, *, name: str, label: str | None = None) -> Badge:
    """What the monitor is shown as. A state that this version does not know is no data."""
    message, tone = _STATES.get(state, _STATES["unknown"])
    return Badge("status" if label is None else label, message, tone, f"{_named(name)}: {message}.")


def uptime_badge(uptime_pct: float | None, period: Period, *, name: str, label: str | None = None) -> Badge:
    """Uptime in per cent as services/uptime has it, with two decimals, rounded down: never 100 % after an outage."""
    shown = f"uptime {period}" if label is None else label
    if uptime_pct is None:
        said = f"{_named(name)}: nothing is known of the last {PERIOD_WORDS[period]}."
        return Badge(shown, NO_DATA, "quiet", said)
    message = percent(uptime_pct)
    tone: Tone = next((tone for least, tone in _UPTIME_TONES if uptime_pct >= least), "bad")
    return Badge(shown, message, tone, f"{_named(name)}: up {message} of the last {PERIOD_WORDS[period]}.")


def percent(value: float) -> str:
    """ "100%", "99.98%": at most two decimals, rounded down."""
    hundredths = int(round(value * 1000) // 10)
    whole, rest = divmod(hundredths, 100)
    return f"{whole}.{rest:02}%".replace(".00%", "%")


def latency_badge(p50_ms: float | None, period: Period, *, name: str, label: str | None = None) -> Badge:
    """The median of the answers in the period. It is a figure and no judgement, so it has one tone."""
    shown = f"p50 latency {period}" if label is None else label
    if p50_ms is None:
        said = f"{_named(name)}: nothing was measured in the last {PERIOD_WORDS[period]}."
        return Badge(shown, NO_DATA, "quiet", said)
    message = f"{p50_ms:.0f} ms" if p50_ms < 999.5 else f"{p50_ms / 1000:.2f} s"
    message = "< 1 ms" if p50_ms < 0.5 else message
    said = f"{_named(name)}: half of the answers of the last {PERIOD_WORDS[period]} took {message} or less."
    return Badge(shown, message, "info", said)


def certificate_badge(expires_s: int | None, *, now_s: int, name: str, label: str | None = None) -> Badge:
    """How long the certificate, or the registration of a domain, is still good for. Instants in Unix seconds."""
    shown = "certificate" if label is None else label
    if expires_s is None:
        return Badge(shown, NO_DATA, "quiet", f"{_named(name)}: no certificate was seen lately.")
    left = (expires_s - now_s) // _DAY_S
    if expires_s <= now_s:
        return Badge(shown, "expired", "bad", f"{_named(name)}: expired.")
    message = "1 day" if left == 1 else f"{left} days"
    tone: Tone = "bad" if left < CRITICAL_DAYS else "warn" if left < WARN_DAYS else "good"
    return Badge(shown, message, tone, f"{_named(name)}: expires in {message}.")


class _Certificate(Struct, frozen=True):
    not_after: int | None = None


class _Domain(Struct, frozen=True):
    expires_at: int | None = None


class _Ends(Struct, frozen=True):
    cert_expires_at: int | None = None
    certificate: _Certificate | None = None
    domain: _Domain | None = None


_ends = msgspec.json.Decoder(_Ends)


def end_in(detail: str) -> int | None:
    """When what a result's stored detail tells of ends, in Unix seconds; None where it tells of nothing that ends."""
    try:
        ends = _ends.decode(detail)
    except msgspec.MsgspecError:
        return None  # written by a newer control plane
    of_leaf = ends.certificate.not_after if ends.certificate else None
    of_domain = ends.domain.expires_at if ends.domain else None
    return min((end for end in (ends.cert_expires_at, of_leaf, of_domain) if end is not None), default=None)


def _named(name: str) -> str:
    return clean(name, limit=100) or "This monitor"
