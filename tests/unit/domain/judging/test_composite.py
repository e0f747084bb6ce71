""" "At least N of them up", as a table of cases that reads like the rule."""

from __future__ import annotations

from uuid import UUID

import pytest

from control_plane.domain.judging.composite import Member, sole_vote
from control_plane.domain.judging.sole_vote import SoleVote
from control_plane.domain.judging.verdict import VerdictName

WORDS: dict[str, VerdictName] = {"u": "up", "g": "degraded", "d": "down", "?": "unknown"}


def of(letters: str) -> list[Member]:
    """Members by a letter each; a capital one is paused. Each turned a second after the one before."""
    return [
        Member(
            id=UUID(int=place + 1),
            name=f"M{place + 1}",
            verdict=WORDS[letter.lower()],
            since_ms=1000 * (place + 1),
            enabled=not letter.isupper(),
        )
        for place, letter in enumerate(letters)
    ]


def vote(letters: str, at_least: int) -> SoleVote:
    return sole_vote(of(letters), at_least=at_least)


@pytest.mark.parametrize(
    ("letters", "at_least", "say"),
    [
        ("uuu", 2, "up"),
        ("uud", 2, "up"),
        ("ugd", 2, "up"),
        ("udd", 2, "down"),
        ("ddd", 2, "down"),
        ("ud?", 2, None),
        ("u??", 2, None),
        ("dd?", 2, "down"),
        ("???", 1, None),
        ("d", 1, "down"),
        ("udd", 1, "up"),
        ("uuu", 3, "up"),
        ("uu?", 3, None),
        ("uud", 3, "down"),
        ("", 1, None),
    ],
)
def test_it_is_up_while_enough_are_and_down_once_enough_cannot_be(letters: str, at_least: int, say: str | None) -> None:
    assert vote(letters, at_least).say == say


@pytest.mark.parametrize(
    ("letters", "at_least", "say"), [("uuD", 3, "up"), ("udD", 3, "down"), ("uDD", 2, "up"), ("DD", 2, None)]
)
def test_a_paused_member_is_left_out_and_proves_nothing(letters: str, at_least: int, say: str | None) -> None:
    assert vote(letters, at_least).say == say


def test_an_outage_begins_when_the_deciding_member_went_down() -> None:
    down = vote("ddd", 2)  # the second failure made two of three impossible
    assert (down.since_ms, down.first_bad_ms, down.reason) == (2000, 2000, "assertion")


def test_it_is_up_since_enough_were() -> None:
    up = vote("uuu", 2)
    assert (up.since_ms, up.first_bad_ms, up.message) == (2000, None, None)


def test_the_words_name_who_is_down() -> None:
    assert vote("udd", 2).message == "1 of 3 monitors is up, 2 are needed: “M2” and “M3” are down"
    assert vote("d", 1).message == "0 of 1 monitor are up, 1 is needed: “M1” is down"
    assert vote("ud?", 2).message == "1 of 3 monitors is up, 2 are needed: “M3” is unknown"
    assert vote("D", 1).message == "all of its members are paused"
    assert vote("", 1).message == "it has no members"


def test_of_very_many_a_few_are_named_and_the_rest_counted() -> None:
    message = vote("d" * 70, 1).message
    assert message is not None
    assert message.endswith("“M1”, “M10”, “M11”, “M12” and 66 more are down")
    evidence = vote("d" * 70, 1).evidence
    assert evidence is not None
    assert (evidence["counted"], len(evidence["members"])) == (70, 50)


def test_the_evidence_tells_the_worst_first() -> None:
    evidence = vote("u?dg", 4).evidence
    assert evidence is not None
    assert [member["verdict"] for member in evidence["members"]] == ["down", "unknown", "degraded", "up"]


def test_time_alone_turns_nothing() -> None:
    assert vote("udd", 2).due_ms is None
