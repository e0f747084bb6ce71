"""Every reason has words, and a result's own message comes before them."""

from __future__ import annotations

from pathlib import Path

import pytest

from control_plane.domain.judging.incident import RegionVote, cause
from control_plane.domain.judging.reason_words import REASON_WORDS, in_words
from control_plane.domain.judging.votes import Vote
from shared.results import REASONS, Reason


def test_every_reason_has_words_but_the_one_that_says_nothing() -> None:
    assert set(REASON_WORDS) == set(REASONS)
    assert [reason for reason, words in REASON_WORDS.items() if not words] == [Reason.NONE]
    assert all("_" not in words for words in REASON_WORDS.values())


@pytest.mark.parametrize(
    ("message", "reason", "told"),
    [
        ("The certificate expired 2 days ago", "expired", "The certificate expired 2 days ago"),
        (None, "loss", "too many echo requests stayed unanswered"),
        ("", "upstream", "a third party that the check depends on did not answer"),
        (None, "none", None),
        (None, None, None),
        (None, "of_a_newer_version", "of a newer version"),
    ],
)
def test_a_message_comes_before_the_reason(message: str | None, reason: str | None, told: str | None) -> None:
    assert in_words(message, reason) == told


@pytest.mark.parametrize(
    ("reason", "message", "said"),
    [
        ("expired", "the certificate expired 2 days ago", "the certificate expired 2 days ago"),
        ("expired", None, "it has expired"),
        ("expiring", None, "it expires soon"),
        ("loss", None, "too many echo requests stayed unanswered"),
        ("dns", None, "its name could not be resolved"),
    ],
)
def test_a_cause_reads_as_a_sentence_for_every_kind(reason: str, message: str | None, said: str) -> None:
    votes = [
        RegionVote(region, Vote(region_id=n, check_version=1, window_ms=1, vote="down", reason=reason, message=message))
        for n, region in enumerate(("eu", "us"))
    ]
    assert cause(votes, assigned=3, verdict="down") == f"Down from 2 of 3 regions: {said}"


def test_the_documentation_has_the_same_words() -> None:
    text = (Path(__file__).parents[4] / "docs" / "verdicts.md").read_text(encoding="utf-8")
    missing = [reason for reason, words in REASON_WORDS.items() if words not in text]
    assert missing == []
