"""What a person may do with an incident: the tables, and every walk through them."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from control_plane.domain.judging.incident_rules import (
    PHASE_POLICY,
    PHASES,
    POLICY,
    STATES,
    VERBS,
    Becomes,
    Phase,
    State,
    Verb,
    after,
    held_open,
    hushes,
    phase_after_update,
    title_of,
    urgency,
)
from control_plane.errors import Conflict


@pytest.mark.parametrize(
    ("verb", "state", "then"),
    [
        ("acknowledge", "triggered", "acknowledged"),
        ("acknowledge", "acknowledged", "acknowledged"),
        ("acknowledge", "resolved", "INCIDENT_RESOLVED"),
        ("resolve", "triggered", "resolved"),
        ("resolve", "acknowledged", "resolved"),
        ("resolve", "resolved", "INCIDENT_RESOLVED"),
        ("reopen", "triggered", "INCIDENT_OPEN"),
        ("reopen", "acknowledged", "INCIDENT_OPEN"),
        ("reopen", "resolved", "triggered"),
        *((verb, state, state) for verb in ("note", "narrate", "update") for state in STATES),
    ],
)
def test_what_each_verb_does_in_each_state(verb: Verb, state: State, then: str) -> None:
    if then.isupper():
        with pytest.raises(Conflict) as refused:
            after(verb, state)
        assert refused.value.code == then
        assert refused.value.details == {"state": state}
    else:
        assert after(verb, state) == then


def test_the_tables_leave_no_case_out() -> None:
    assert set(POLICY) == set(VERBS)
    assert all(set(by_state) == set(STATES) for by_state in POLICY.values())
    assert set(PHASE_POLICY) == set(PHASES)


OPEN = {"investigating", "identified", "monitoring"}


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("wanted", PHASES)
def test_public_updates_move_the_phase_among_those_of_the_same_state(phase: Phase, wanted: Phase) -> None:
    same_side = (phase in OPEN) == (wanted in OPEN)
    if same_side and (phase, wanted) != ("postmortem", "resolved"):
        assert phase_after_update(phase, wanted) == wanted
    else:
        with pytest.raises(Conflict) as refused:
            phase_after_update(phase, wanted)
        assert refused.value.code == "PHASE_NOT_ALLOWED"
        assert wanted not in (refused.value.details or {})["allowed"]


@pytest.mark.parametrize("phase", PHASES)
def test_an_update_without_a_phase_keeps_it(phase: Phase) -> None:
    assert phase_after_update(phase, None) == phase


@pytest.mark.parametrize(
    ("type_", "verdict", "proven"),
    [
        ("down", "down", True), ("flapping", "down", True), ("degraded", "down", True), ("degraded", "degraded", True),
        ("down", "degraded", False), ("down", "up", False), ("down", "unknown", False), ("degraded", "unknown", False),
        ("degraded", "up", False), ("down", None, False),
    ],
)  # fmt: skip
def test_what_is_still_proven_hushes_and_what_is_not_is_held_open(
    type_: str, verdict: str | None, proven: bool
) -> None:
    assert hushes(type_=type_, verdict=verdict) is proven
    assert held_open(type_=type_, verdict=verdict) is not proven


def test_a_title_is_made_where_none_was_given() -> None:
    assert title_of(title="Checkout", monitor="API", type_="down") == "Checkout"
    assert title_of(title=None, monitor="API", type_="degraded") == "API is degraded"
    assert title_of(title=None, monitor=None, type_="down") == "A deleted monitor is down"


def test_only_minor_is_of_low_urgency() -> None:
    assert [urgency(severity) for severity in ("minor", "major", "critical")] == ["low", "high", "high"]


class IncidentLife(RuleBasedStateMachine):
    """One incident, driven by people and by verdicts; a refusal changes nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.state: State = "triggered"
        self.phase: Phase = "investigating"
        self.endings = 0
        self.reopenings = 0

    def _move(self, verb: Verb) -> bool:
        allowed = isinstance(POLICY[verb][self.state], Becomes)
        if not allowed:
            with pytest.raises(Conflict):
                after(verb, self.state)
            return False
        self.state = after(verb, self.state)
        return True

    @rule()
    def acknowledge(self) -> None:
        was = self.state
        assert self._move("acknowledge") == (was != "resolved")

    @rule()
    def resolve(self) -> None:
        if self._move("resolve"):
            self.phase = "resolved"
            self.endings += 1

    @rule()
    def recover(self) -> None:
        if self.state != "resolved":
            self.state, self.phase = "resolved", "resolved"
            self.endings += 1

    @rule()
    def reopen(self) -> None:
        if self._move("reopen"):
            self.phase = "investigating"
            self.reopenings += 1

    @rule(verb=st.sampled_from(("note", "narrate")))
    def say(self, verb: Verb) -> None:
        was = self.state
        assert self._move(verb)
        assert self.state == was

    @rule(wanted=st.sampled_from((None, *PHASES)))
    def update(self, wanted: Phase | None) -> None:
        assert self._move("update")
        try:
            self.phase = phase_after_update(self.phase, wanted)
        except Conflict:
            assert wanted is not None

    @invariant()
    def the_phase_agrees_with_the_state(self) -> None:
        assert (self.phase in OPEN) == (self.state != "resolved")

    @invariant()
    def every_reopening_follows_an_ending(self) -> None:
        assert self.endings - self.reopenings == (self.state == "resolved")


TestIncidentLife = IncidentLife.TestCase
