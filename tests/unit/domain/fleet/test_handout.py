"""Cursors and digests."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.domain.fleet.handout import (
    NO_ASSIGNMENTS,
    Cursor,
    Digest,
    Pages,
    Since,
    Walk,
    foreign,
    format_cursor,
    parse_cursor,
)
from shared.protocol import digest_term


@st.composite
def snapshots(draw: st.DrawFn) -> str:
    xmin = draw(st.integers(1, 10**12))
    xmax = xmin + draw(st.integers(0, 50))
    running = draw(st.sets(st.integers(xmin, max(xmin, xmax - 1)))) if xmax > xmin else set()
    return f"{xmin}:{xmax}:{','.join(str(each) for each in sorted(running))}"


cursors = st.one_of(
    st.builds(Since, snapshots()),
    st.builds(Pages, snapshots(), snapshots(), st.integers(0, 10**12), st.integers(0, 10**12)),
    st.builds(Walk, snapshots(), st.uuids()),
)


@given(cursors)
def test_a_cursor_comes_back_as_it_was_sent(cursor: Cursor) -> None:
    assert parse_cursor(format_cursor(cursor)) == cursor


@given(st.text(max_size=60))
def test_whatever_an_agent_sends_is_a_cursor_or_none(text: str) -> None:
    cursor = parse_cursor(text)
    assert cursor is None or format_cursor(cursor) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "s.",
        "s.10:9:",  # ends before it begins
        "s.10:20:9",  # a transaction from before it began
        "s.10:20:20",  # one from after it ended
        "s.10:20:12,11",  # out of order
        "s.0:20:",
        "s.٣:20:",
        "p.10:20:.10:20:.-1.5",
        "w.10:20:.not-a-monitor",
        "x.10:20:",
        "s.10:20:" + ",".join(str(n) for n in range(10, 3000)),
    ],
)
def test_what_postgresql_would_refuse_is_no_cursor(text: str) -> None:
    assert parse_cursor(text) is None


def test_a_cursor_of_transactions_yet_to_come_is_from_another_database() -> None:
    assert foreign(Since("10:20:"), now="10:19:")
    assert not foreign(Since("10:20:"), now="10:20:")
    assert foreign(Pages("10:11:", "10:20:", 1, 1), now="10:19:")
    assert foreign(Walk("10:20:", UUID(int=1)), now="10:19:")


def test_very_many_open_transactions_make_an_older_cursor_not_a_longer_one() -> None:
    snapshot = f"100:999999:{','.join(str(n) for n in range(100, 5000))}"
    assert format_cursor(Since(snapshot)) == "s.100:100:"


@given(st.lists(st.tuples(st.integers(0, 5), st.one_of(st.none(), st.integers(1, 10**9))), max_size=30))
def test_the_digest_depends_on_what_is_there_not_on_how_it_came(changes: list[tuple[int, int | None]]) -> None:
    digest, state = Digest(), dict[UUID, int]()
    for number, revision in changes:
        monitor = UUID(int=number * 2**70 + number)
        if revision is None:
            digest.drop(monitor)
            state.pop(monitor, None)
        else:
            digest.put(monitor, revision)
            state[monitor] = revision
    total = sum(digest_term(monitor, revision) for monitor, revision in state.items()) % 2**64
    assert digest.text() == f"{total:016x}"
    assert len(digest) == len(state)


def test_a_region_without_assignments_has_the_digest_of_none() -> None:
    assert Digest().text() == NO_ASSIGNMENTS
