"""Chapter "Incidents are levels, not edges" of the design: what each judgement changes."""

from __future__ import annotations

from typing import Any

import pytest

from control_plane.domain.judging.incident import (
    AlertOn,
    IncidentType,
    Joins,
    OpenIncident,
    Opens,
    Resolves,
    Restraint,
    Step,
    Worsens,
    cause,
    next_step,
    prove,
)
from control_plane.domain.judging.verdict import Policy, VerdictName, judge, tally
from control_plane.domain.judging.votes import Vote, count
from tests.support.votes import EVERY, NOW, after, down, regions, seen, silent, up

MAJORITY = Policy("majority")
VOTES = {
    "U": up(),
    "S": up(degraded=True),
    "D": down(),
    "u": up(fresh=False),
    "d": down(fresh=False),
    "-": silent(),
}


def step(
    votes: str,
    *,
    open_: IncidentType | None = None,
    joined: tuple[str, ...] = (),
    current: VerdictName = "unknown",
    hushed: bool = False,
    alert_on: AlertOn = "down",
    policy: Policy = MAJORITY,
) -> Step | None:
    placed = regions(*(VOTES[v] for v in votes))
    counts = tally((r.vote for r in placed), assigned=len(placed), now_ms=NOW)
    return next_step(
        judge(counts, policy=policy, current=current),
        votes=placed,
        policy=policy,
        now_ms=NOW,
        open_incident=OpenIncident(open_, joined) if open_ else None,
        restraint=Restraint(hushed=hushed),
        alert_on=alert_on,
        severity="critical",
    )


@pytest.mark.parametrize(
    ("sentence", "votes", "situation", "kind"),
    [
        ("down and none open: one opens", "UDD", {}, Opens),
        ("down and one open: at most one is open", "UDD", {"open_": "down", "joined": ("b", "c")}, None),
        ("down after a person resolved it: none opens until up was proven", "UDD", {"hushed": True}, None),
        ("down that is only kept opens nothing", "UDd", {"current": "down"}, None),
        ("one region below quorum opens nothing", "UUD", {}, None),
        ("up and one open: it resolves", "UUU", {"open_": "down"}, Resolves),
        ("up and none open: nothing", "UUU", {}, None),
        ("up that is only kept resolves nothing", "UDd", {"current": "up", "open_": "down"}, None),
        ("degraded and one open: it resolves", "UUD", {"open_": "down"}, Resolves),
        ("degraded by slow votes and one open: it resolves", "SSU", {"open_": "down"}, Resolves),
        ("unknown opens nothing", "u-d", {}, None),
        ("unknown closes nothing", "uuu", {"open_": "down"}, None),
        ("unknown after an outage closes nothing", "ddd", {"open_": "down", "current": "down"}, None),
        ("a further region down joins", "DDD", {"open_": "down", "joined": ("b", "c")}, Joins),
        ("a region that has recovered does not leave", "UDD", {"open_": "down", "joined": ("a", "b", "c")}, None),
        ("an expired down vote does not join", "dDD", {"open_": "down", "joined": ("b", "c")}, None),
        ("a flapping incident is joined like any other", "DDD", {"open_": "flapping", "joined": ("b", "c")}, Joins),
    ],
)
def test_incidents_follow_the_level(
    sentence: str, votes: str, situation: dict[str, Any], kind: type[Step] | None
) -> None:
    found = step(votes, **situation)

    assert (None if found is None else type(found)) is kind, sentence


@pytest.mark.parametrize(
    ("sentence", "votes", "situation", "kind"),
    [
        ("slow votes open one", "SSU", {}, Opens),
        ("a region below quorum never does", "UUD", {}, None),
        ("not even beside too few slow votes", "SUD", {}, None),
        ("slow votes after a person resolved it open none", "SSU", {"hushed": True}, None),
        ("an open one stays while it is slow", "SSU", {"open_": "degraded"}, None),
        ("an open one resolves at up", "UUU", {"open_": "degraded"}, Resolves),
        ("an open one resolves when only a region below quorum is left", "UUD", {"open_": "degraded"}, Resolves),
        ("an open one becomes down in place", "SDD", {"open_": "degraded"}, Worsens),
        ("unknown leaves it open", "u--", {"open_": "degraded"}, None),
        ("down opens one as ever", "UDD", {}, Opens),
    ],
)
def test_where_degraded_alerts(sentence: str, votes: str, situation: dict[str, Any], kind: type[Step] | None) -> None:
    found = step(votes, alert_on="degraded", **situation)

    assert (None if found is None else type(found)) is kind, sentence


def test_slow_votes_open_nothing_where_only_down_alerts() -> None:
    assert step("SSS", alert_on="down") is None


def test_a_down_incident_has_the_monitors_severity_and_a_degraded_one_is_minor() -> None:
    opened, slow, worse = step("UDD"), step("SSU", alert_on="degraded"), step("SDD", open_="degraded")

    assert isinstance(opened, Opens)
    assert isinstance(slow, Opens)
    assert isinstance(worse, Worsens)
    assert (opened.type, opened.severity) == ("down", "critical")
    assert (slow.type, slow.severity) == ("degraded", "minor")
    assert worse.severity == "critical"


def test_the_joining_regions_are_named_once() -> None:
    assert step("DDD", open_="down", joined=("b",)) == Joins(("a", "c"))


def test_the_proof_names_the_regions_down_and_up_and_leaves_out_the_silent() -> None:
    proof = prove(
        regions(up(), down(), down(), silent(), up(fresh=False)),
        policy=MAJORITY,
        assigned=5,
        now_ms=NOW,
        verdict="down",
    )

    assert (proof.regions_down, proof.regions_up) == (("b", "c"), ("a",))


def test_the_proof_keeps_every_vote_with_its_evidence() -> None:
    bad = count(down(), seen("U", NOW), confirmations=3, now_ms=NOW)
    vote = _with_evidence("timed out", '{"status_line":"HTTP/1.1 500"}')

    first, second, third = prove(
        regions(up(), vote, bad), policy=MAJORITY, assigned=3, now_ms=NOW, verdict="down"
    ).evidence

    assert (first["region"], first["vote"], first["fresh"], first["message"]) == ("a", "up", True, None)
    assert (second["vote"], second["slots"], second["message"]) == ("down", 2, "timed out")
    assert second["evidence"] == {"status_line": "HTTP/1.1 500"}
    assert third["newest_slot"] == "2027-01-15T08:00:00.000Z"


def _with_evidence(message: str, evidence: str) -> Vote:
    vote = after("U", first=NOW - 4 * EVERY)
    for slot in (NOW - 2 * EVERY, NOW - EVERY):
        each = type(seen("D", slot))(slot, 1, seen("D", slot).outcome, message=message, evidence=evidence)
        vote = count(vote, each, confirmations=2, now_ms=slot)
    return vote


@pytest.mark.parametrize(
    ("policy", "index"),
    [(Policy("any"), 0), (Policy("majority"), 1), (Policy("all"), 2), (Policy("count", 3), 2)],
)
def test_it_started_at_the_r_th_earliest_first_bad_slot(policy: Policy, index: int) -> None:
    firsts = [NOW - 90_000, NOW - 80_000, NOW - 70_000]
    votes = regions(*(down(first_bad_slot=first) for first in reversed(firsts)))

    assert prove(votes, policy=policy, assigned=3, now_ms=NOW, verdict="down").started_at == firsts[index]


def test_a_degraded_incident_started_when_it_became_slow_not_when_it_came_up() -> None:
    slow = after("UUUSS", first=NOW - 4 * EVERY)

    proof = prove(regions(slow, slow, up()), policy=MAJORITY, assigned=3, now_ms=NOW, verdict="degraded")

    assert proof.started_at == NOW - EVERY


@pytest.mark.parametrize(
    ("sentence", "votes", "assigned", "verdict", "text"),
    [
        (
            "the words of the region that saw it first",
            [down(message="second", first_bad_slot=NOW - 70_000), down(message="first", first_bad_slot=NOW - 90_000)],
            3,
            "down",
            "Down from 2 of 3 regions: first",
        ),
        ("a single region", [down(message="refused")], 1, "down", "Down from 1 of 1 region: refused"),
        ("nobody said why", [down(), down()], 2, "down", "Down from 2 of 2 regions"),
        ("slow without words", [up(degraded=True)], 2, "degraded", "Degraded from 1 of 2 regions"),
    ],
)
def test_the_cause_is_a_sentence(sentence: str, votes: list[Vote], assigned: int, verdict: str, text: str) -> None:
    assert cause(regions(*votes), assigned=assigned, verdict=verdict) == text, sentence
