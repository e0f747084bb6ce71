from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest
from msgspec import Meta, Struct

from control_plane.errors import BadRequest
from control_plane.web.body import convert_object
from control_plane.web.wording import words_of


class Shown(StrEnum):
    UP = "up"
    DOWN = "down"


class Asked(Struct, forbid_unknown_fields=True):
    label: Annotated[str, Meta(min_length=3)] = "robot"
    states: list[Shown] = []


@pytest.mark.parametrize(
    ("value", "kind", "words"),
    [
        ("2", int, "must be an integer, not a string"),
        (True, str | None, "must be a string or null, not true or false"),
        (0, Annotated[int, Meta(ge=1)], "must be at least 1"),
        (9, Annotated[int, Meta(le=8)], "must be at most 8"),
        ("ci", Annotated[str, Meta(min_length=3)], "must have at least 3 characters"),
        ([1, 2], Annotated[list[int], Meta(max_length=1)], "must have at most 1 item"),
        ("soon", datetime, "must be a time such as 2026-05-12T00:00:00Z"),
        (
            "2026-05-12T00:00:00",
            Annotated[datetime, Meta(tz=True)],
            "must name its time zone: a time such as 2026-05-12T00:00:00Z",
        ),
        ("1", UUID, "must be a UUID such as 0197a2f0-0000-7000-8000-000000000000"),
        ("dwn", Shown, "must be one of up, down, not 'dwn'"),
        ("dwn", list[Shown] | Shown | None, "must be one of up, down, not 'dwn'"),
        (3, Literal[1, 2], "must be one of 1, 2, not 3"),
        ("zzz", Literal["up", "down", ""], "must be one of up, down, not 'zzz'"),
    ],
)
def test_what_the_decoder_says_becomes_a_sentence_for_people(value: object, kind: Any, words: str) -> None:
    with pytest.raises(msgspec.ValidationError) as wrong:
        msgspec.convert(value, kind)
    assert words_of(str(wrong.value), kind) == words


def test_what_is_not_known_is_said_as_it_is() -> None:
    assert words_of("Invalid base64 encoded string") == "is refused: Invalid base64 encoded string"


def test_a_refusal_names_the_field_and_what_it_may_be() -> None:
    with pytest.raises(BadRequest) as refusal:
        convert_object({"label": "ci", "states": ["up", "dwn"]}, Asked)
    fields = (refusal.value.details or {})["fields"]
    assert [problem["message"] for problem in fields] == [
        "label must have at least 3 characters",
        "states/1 must be one of up, down, not 'dwn'",
    ]
