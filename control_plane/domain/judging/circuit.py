"""Back-off: a monitor that has been down for a while is checked less often until it is well, if its tenant wants that.

Reported as CIRCUIT_OPEN. A vote lives by the cadence that was in force at its newest slot.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

AFTER_MS = 600_000
"""How long down has to be proven first."""

CADENCE_MS = 300_000
"""The cadence while backed off, unless the interval is longer anyway."""

Turn = Literal["opens", "closes", "settles"]
"""`settles`: votes live by the interval again, once all regions have been heard at it."""


class Circuit(Struct, frozen=True):
    """`wanted`: the tenant chose it. `since_ms`: backed off since then (Unix ms), None while it is not.

    `lengthened`: votes still live by the longer cadence.
    """

    wanted: bool = False
    since_ms: int | None = None
    lengthened: bool = False


def backed_off_ms(interval_ms: int) -> int:
    """The cadence while backed off."""
    return max(interval_ms, CADENCE_MS)


def turn(circuit: Circuit, *, down_since_ms: int | None, good_seen: bool, settled: bool, now_ms: int) -> Turn | None:
    """What changes now. `down_since_ms`: since when down has been the verdict, None while it is not, or not proven.

    `good_seen`: a region has just seen it up or degraded. `settled`: it is well, and all that is heard agrees.
    """
    if circuit.since_ms is not None:
        return "closes" if good_seen or down_since_ms is None or not circuit.wanted else None
    if circuit.lengthened and settled:
        return "settles"
    if not circuit.wanted or down_since_ms is None or good_seen:
        return None
    return "opens" if now_ms >= down_since_ms + AFTER_MS else None


def opens_at_ms(circuit: Circuit, *, down_since_ms: int | None) -> int | None:
    """The instant at which it would open if nothing changes."""
    if not circuit.wanted or circuit.since_ms is not None or down_since_ms is None:
        return None
    return down_since_ms + AFTER_MS
