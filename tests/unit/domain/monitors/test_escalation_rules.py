"""The grammar of `escalations`: steps that grow in time, each with some channels that exist."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from control_plane.domain.monitors.escalation_rules import Escalation, channels_of_steps, read_escalations
from control_plane.errors import FarwatchError

ONE, TWO = UUID(int=1), UUID(int=2)
KNOWN = {ONE, TWO}


def step(after_s: object, *ids: object) -> dict[str, Any]:
    return {"after_s": after_s, "channel_ids": [str(each) if isinstance(each, UUID) else each for each in ids]}


def refusal(*steps: object) -> tuple[str, str | None]:
    with pytest.raises(FarwatchError) as caught:
        read_escalations(list(steps), "/escalations", channels=KNOWN)
    return caught.value.code, caught.value.field


def test_steps_are_read_in_their_order() -> None:
    read = read_escalations([step(60, TWO, ONE), step(61, ONE)], "/escalations", channels=KNOWN)
    assert read == (Escalation(60, (ONE, TWO)), Escalation(61, (ONE,)))
    assert read_escalations([], "/escalations", channels=KNOWN) == ()


REFUSED: dict[str, tuple[list[Any], str, str]] = {
    "too soon": ([step(59, ONE)], "INVALID_ALERT_CONFIG", "/escalations/0/after_s"),
    "no number": ([step("900", ONE)], "INVALID_TYPE", "/escalations/0/after_s"),
    "not later": ([step(900, ONE), step(900, TWO)], "INVALID_ALERT_CONFIG", "/escalations/1/after_s"),
    "nobody": ([step(900)], "INVALID_ALERT_CONFIG", "/escalations/0/channel_ids"),
    "unknown": ([step(900, UUID(int=9))], "INVALID_ALERT_CONFIG", "/escalations/0/channel_ids/0"),
    "no id": ([step(900, {"a": 1})], "INVALID_ALERT_CONFIG", "/escalations/0/channel_ids/0"),
    "twice": ([step(900, ONE, ONE)], "INVALID_ALERT_CONFIG", "/escalations/0/channel_ids/1"),
    "too many channels": ([step(900, *([ONE] * 11))], "INVALID_ALERT_CONFIG", "/escalations/0/channel_ids"),
    "too many steps": ([step(60 + n, ONE) for n in range(11)], "INVALID_ALERT_CONFIG", "/escalations"),
    "no list": ([{"after_s": 900, "channel_ids": "all"}], "INVALID_TYPE", "/escalations/0/channel_ids"),
    "no object": (["900"], "INVALID_TYPE", "/escalations/0"),
    "another field": ([{**step(900, ONE), "x": 1}], "UNKNOWN_FIELD", "/escalations/0/x"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused_by_name(case: str) -> None:
    steps, code, field = REFUSED[case]
    assert refusal(*steps) == (code, field)


def test_what_is_no_list_is_refused() -> None:
    with pytest.raises(FarwatchError):
        read_escalations({}, "/escalations", channels=KNOWN)


def test_named_channels_survive_any_shape() -> None:
    shapes: list[Any] = [None, 5, "x", {}, [1, {"channel_ids": 5}, {"channel_ids": [5, "x", {}]}, {}]]
    for steps in shapes:
        assert channels_of_steps({"escalations": steps}) == []
    assert channels_of_steps({"escalations": [step(900, ONE), step(1800, TWO)]}) == [ONE, TWO]
