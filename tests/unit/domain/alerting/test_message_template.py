"""A tenant's own texts: words with placeholders, and no way to anything else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.domain.alerting.message_template import LIMITS, PLACEHOLDERS, fill, read_templates
from control_plane.errors import BadRequest


def test_placeholders_are_replaced_and_braces_can_be_written() -> None:
    assert fill("{{{monitor.name}}} is {incident.type}", {"monitor.name": "API"}) == "{API} is "


def test_what_is_filled_in_is_never_read_again() -> None:
    assert fill("{monitor.name}{reason}", {"monitor.name": "{reason}", "reason": "x"}) == "{reason}x"


@pytest.mark.parametrize(
    ("given_templates", "field", "said"),
    [
        ([], "/templates", "is an object"),
        ({"subject": "x"}, "/templates/subject", "no part of a message"),
        ({"title": 5}, "/templates/title", "is a text"),
        ({"title": "x" * 201}, "/templates/title", "at most 200 characters"),
        ({"text": "{monitor.nam}"}, "/templates/text", "did you mean {monitor.name}?"),
        ({"text": "{__class__.__mro__}"}, "/templates/text", "is not known"),
        ({"text": "{monitor.name!r:>99}"}, "/templates/text", "is not known"),
        ({"text": "{{% for x in y %}}"}, None, ""),
        ({"text": "a { b"}, "/templates/text", "a lone {"),
        ({"text": "a } b"}, "/templates/text", "a lone }"),
    ],
    ids=str,
)
def test_only_texts_with_known_placeholders_are_taken(given_templates: object, field: str | None, said: str) -> None:
    if field is None:
        assert read_templates(given_templates, pointer="/templates") == given_templates
        return
    with pytest.raises(BadRequest) as refused:
        read_templates(given_templates, pointer="/templates")
    assert (refused.value.code, refused.value.field) == ("INVALID_TEMPLATE", field)
    assert said.lower() in refused.value.message.lower()


def test_nothing_given_is_our_own_words() -> None:
    assert read_templates(None, pointer="/t") is None
    assert read_templates({"title": None, "text": ""}, pointer="/t") is None


@given(st.text(max_size=200), st.dictionaries(st.sampled_from(PLACEHOLDERS), st.text(max_size=20)))
def test_what_is_taken_can_always_be_filled(text: str, values: dict[str, str]) -> None:
    try:
        taken = read_templates({"text": text}, pointer="/t")
    except BadRequest:
        return
    longest = max((len(value) for value in values.values()), default=0)
    assert len(fill((taken or {}).get("text", ""), values)) <= LIMITS["text"] * (longest + 1)
