"""Back-off: when a monitor that is down is checked less often, and when at its interval again."""

from __future__ import annotations

import pytest

from control_plane.domain.judging.circuit import AFTER_MS, Circuit, backed_off_ms, opens_at_ms, turn

NOW = 1_800_000_000_000
LONG_DOWN = NOW - AFTER_MS
OPEN = Circuit(wanted=True, since_ms=NOW - 1, lengthened=True)


@pytest.mark.parametrize(
    ("sentence", "circuit", "down_since", "good", "settled", "expected"),
    [
        ("down for ten minutes", Circuit(wanted=True), LONG_DOWN, False, False, "opens"),
        ("down for less", Circuit(wanted=True), LONG_DOWN + 1, False, False, None),
        ("nobody wanted it", Circuit(), LONG_DOWN, False, False, None),
        ("not down", Circuit(wanted=True), None, False, False, None),
        ("a region has just seen it up", Circuit(wanted=True), LONG_DOWN, True, False, None),
        ("open, and still down", OPEN, LONG_DOWN, False, False, None),
        ("open, and a first good result", OPEN, LONG_DOWN, True, False, "closes"),
        ("open, and the verdict is no longer down", OPEN, None, False, False, "closes"),
        ("open, and no longer wanted", Circuit(wanted=False, since_ms=NOW), LONG_DOWN, False, False, "closes"),
        ("closed, votes still long, not all heard", Circuit(wanted=True, lengthened=True), None, True, False, None),
        ("closed, votes still long, all heard", Circuit(wanted=True, lengthened=True), None, True, True, "settles"),
        ("settled", Circuit(wanted=True), None, True, True, None),
    ],
)
def test_what_changes(
    sentence: str,
    circuit: Circuit,
    down_since: int | None,
    *,
    good: bool,
    settled: bool,
    expected: str | None,
) -> None:
    found = turn(circuit, down_since_ms=down_since, good_seen=good, settled=settled, now_ms=NOW)
    assert found == expected, sentence


def test_the_cadence_is_five_minutes_or_the_interval() -> None:
    assert [backed_off_ms(interval) for interval in (10_000, 300_000, 3_600_000)] == [300_000, 300_000, 3_600_000]


def test_when_it_would_open_is_known_beforehand() -> None:
    assert opens_at_ms(Circuit(wanted=True), down_since_ms=NOW) == NOW + AFTER_MS
    assert opens_at_ms(Circuit(wanted=True), down_since_ms=None) is None
    assert opens_at_ms(Circuit(wanted=False), down_since_ms=NOW) is None
    assert opens_at_ms(OPEN, down_since_ms=NOW) is None
