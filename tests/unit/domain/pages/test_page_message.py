"""Which of what a subscriber is owed goes into the next message."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from control_plane.domain.pages.page_message import Chosen, Pending, choose_message

A, B = UUID(int=100), UUID(int=200)


def owed(number: int, subject: UUID | None = A, **over: Any) -> Pending:
    given: dict[str, Any] = {
        "id": UUID(int=number), "number": number, "subject": subject, "event": "incident.opened", "message_id": None,
        "due": True, "leased": False, "news": True, "told": True, **over,
    }  # fmt: skip
    return Pending(**given)


def test_to_people_all_that_is_due_goes_as_one_message() -> None:
    assert choose_message([owed(1), owed(2, B)], kind="email", free=True) == Chosen(
        UUID(int=1), [UUID(int=1), UUID(int=2)], []
    )


def test_to_programs_goes_one_at_a_time_in_order() -> None:
    assert choose_message([owed(1), owed(2)], kind="webhook", free=True).ids == [UUID(int=1)]


def test_a_message_that_was_tried_is_sent_again_as_it_was() -> None:
    tried = owed(1, message_id=UUID(int=1))
    assert choose_message([tried, owed(2, B)], kind="email", free=False) == Chosen(UUID(int=1), [UUID(int=1)], [])


def test_what_is_owed_later_of_a_subject_waits_and_other_subjects_do_not() -> None:
    waiting = owed(1, message_id=UUID(int=1), due=False)
    chosen = choose_message([waiting, owed(2, A), owed(3, B)], kind="email", free=True)
    assert chosen.ids == [UUID(int=3)]


def test_nothing_goes_while_a_message_is_under_way_or_after_too_many() -> None:
    assert choose_message([owed(1, leased=True), owed(2, B)], kind="email", free=True).message_id is None
    assert choose_message([owed(1)], kind="email", free=False).message_id is None


def test_a_question_goes_alone_however_much_was_told_of_late() -> None:
    question = owed(0, None, news=False, event="subscription.exists")
    assert choose_message([question, owed(1)], kind="email", free=False).ids == [UUID(int=0)]


def test_the_end_of_what_nobody_heard_of_need_not_be_told() -> None:
    end = owed(2, event="incident.resolved", told=False)
    assert choose_message([end], kind="email", free=True) == Chosen(None, [], [UUID(int=2)])
