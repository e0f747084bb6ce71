"""Which notices of a channel go singly and which are told together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from control_plane.domain.alerting.digest import MINUTE, SINGLES, Due, Plan, Spent, plan

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def uid(number: int) -> UUID:
    return UUID(int=number)


def due(*numbers: int, put_off: bool = False) -> list[Due]:
    """Notices of incidents of their own."""
    return [Due(uid(n), uid(1000 + n), put_off) for n in numbers]


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def ids(*numbers: int) -> tuple[UUID, ...]:
    return tuple(uid(n) for n in numbers)


def test_the_first_five_go_singly_and_the_rest_waits_a_minute() -> None:
    made = plan(due(*range(1, 9)), Spent(), now=NOW)
    assert made == Plan(singly=ids(1, 2, 3, 4, 5), put_off=ids(6, 7, 8), until=NOW + MINUTE)


def test_what_was_sent_within_the_minute_counts() -> None:
    made = plan(due(1, 2), Spent(singles=(ago(50), ago(20), ago(10), ago(5))), now=NOW)
    assert made == Plan(singly=ids(1), put_off=ids(2), until=ago(50) + MINUTE)


def test_what_has_waited_goes_together_with_all_that_is_beyond_the_minute() -> None:
    waited, new = due(1, 2, 3, put_off=True), due(4, 5)
    made = plan(waited + new, Spent(singles=tuple(ago(n) for n in (9, 8, 7, 6))), now=NOW)
    assert made == Plan(singly=ids(4), together=ids(1, 2, 3, 5))


def test_one_digest_a_minute() -> None:
    made = plan(due(1, 2, put_off=True), Spent(digest=ago(20)), now=NOW)
    assert made == Plan(put_off=ids(1, 2), until=ago(20) + MINUTE)
    assert plan(due(1, 2, put_off=True), Spent(digest=ago(60)), now=NOW).together == ids(1, 2)


def test_the_next_overflow_waits_for_a_minute_after_the_digest() -> None:
    full = Spent(singles=tuple(ago(n) for n in (50, 4, 3, 2, 1)), digest=ago(10))
    assert plan(due(1), full, now=NOW) == Plan(put_off=ids(1), until=ago(10) + MINUTE)


def test_what_follows_a_waiting_notice_of_its_incident_waits_with_it() -> None:
    opening, recovery = Due(uid(1), uid(9), True), Due(uid(2), uid(9))
    assert plan([opening, recovery], Spent(), now=NOW) == Plan(together=ids(1, 2))
    assert plan([opening, recovery], Spent(digest=ago(1)), now=NOW).singly == ()


def test_a_recovery_is_not_told_beside_its_opening_that_goes_singly() -> None:
    singles = tuple(ago(n) for n in (9, 8, 7, 6))
    waited, opening, recovery = Due(uid(1), uid(7), True), Due(uid(2), uid(9)), Due(uid(3), uid(9))
    made = plan([waited, opening, recovery], Spent(singles=singles), now=NOW)
    assert made == Plan(singly=ids(2), together=ids(1), put_off=ids(3), until=NOW + MINUTE)


def again(*numbers: int) -> list[Due]:
    return [Due(uid(n), uid(1000 + n), again=True) for n in numbers]


def test_what_is_tried_again_goes_before_what_is_new_and_within_the_same_minute() -> None:
    spent = Spent(singles=tuple(ago(n) for n in (40, 9, 8)), reserved=3)
    made = plan([*due(1, 2), *again(3, 4, 5)], spent, now=NOW)
    assert made == Plan(
        singly=ids(3, 4), put_off=ids(1, 2), until=ago(40) + MINUTE, later=ids(5), room=ago(40) + MINUTE
    )


def test_what_is_new_leaves_room_for_what_will_be_tried_again() -> None:
    made = plan(due(1, 2), Spent(singles=(ago(1),), reserved=3), now=NOW)
    assert (made.singly, made.put_off) == (ids(1), ids(2))


def test_a_digest_that_failed_has_the_minute_of_a_digest() -> None:
    late = [uid(90), uid(80)]
    assert plan([], Spent(), now=NOW, failed=late) == Plan(repeat=uid(90), next_digest=NOW + MINUTE)
    assert plan([], Spent(digest=ago(20)), now=NOW, failed=late) == Plan(next_digest=ago(20) + MINUTE)


def test_digests_that_failed_take_turns_with_new_ones() -> None:
    waited, late = due(1, 2, put_off=True), [uid(90)]
    fresh_first = plan(waited, Spent(), now=NOW, failed=late)
    assert fresh_first == Plan(together=ids(1, 2), next_digest=NOW + MINUTE)
    then_the_failed = plan(waited, Spent(digest=ago(60)), now=NOW, failed=late)
    assert then_the_failed == Plan(put_off=ids(1, 2), until=NOW + MINUTE, repeat=uid(90), next_digest=NOW + MINUTE)
    assert plan(waited, Spent(digest=ago(60), repeated=True), now=NOW, failed=late).together == ids(1, 2)


def test_nothing_due_is_nothing_to_do() -> None:
    assert plan([], Spent(), now=NOW) == Plan()


@given(
    st.lists(st.tuples(st.integers(1, 12), st.booleans()), max_size=40),
    st.lists(st.floats(0, 59.9), max_size=SINGLES),
    st.none() | st.floats(0, 300),
)
def test_each_notice_has_one_place_and_the_budget_holds(
    rows: list[tuple[int, bool]], singles: list[float], digest: float | None
) -> None:
    notices = [Due(uid(n), uid(1000 + incident), put_off) for n, (incident, put_off) in enumerate(rows)]
    spent = Spent(tuple(ago(s) for s in sorted(singles, reverse=True)), None if digest is None else ago(digest))
    made = plan(notices, spent, now=NOW)
    assert sorted(made.singly + made.together + made.put_off) == sorted(each.id for each in notices)
    assert len(made.singly) + len(singles) <= SINGLES or not made.singly
    assert not made.together or digest is None or digest >= 60
    assert (made.until is None) == (not made.put_off)
    assert made.until is None or made.until > NOW
    place = {id_: at for at, part in enumerate((made.singly, made.together, made.put_off)) for id_ in part}
    for index, each in enumerate(notices):
        for later in notices[index + 1 :]:
            if later.incident_id == each.incident_id and not later.put_off:
                assert place[each.id] <= place[later.id]
