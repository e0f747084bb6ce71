"""No type that a public route answers with has room for an address, a header, a credential or what a target said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from msgspec import Struct, inspect

from control_plane.app import all_routes
from control_plane.domain.pages.badge import Badge
from control_plane.domain.pages.public_page import PublicPage
from control_plane.services.pages.page_changes import ComponentChange, IncidentChange
from control_plane.services.pages.shared_view import SharedView
from control_plane.web.routes import Door

TEXTS = {
    *("slug", "title", "description", "header_text", "footer_text", "name", "group", "text", "sentence", "region"),
    *("message", "label", "said", "verdict", "components", "color", "logo"),
    *("accent", "accent_dark", "background", "background_dark"),
}
"""Where free text may be: what people wrote for the public, sentences of ours, colours, and a picture's digest."""
OF_THE_READER = {"Subscription.address", "SubscriptionAsked.secret"}
"""What somebody said of themselves, told to nobody else."""
INSIDE = (
    *("url", "uri", "host", "port", "header", "secret", "password", "credential", "token", "key", "auth", "cookie"),
    *("monitor", "check", "target", "evidence", "excerpt", "cause", "reason", "error", "tenant", "owner", "note_"),
    *("tag", "agent", "ip", "body", "address"),
)
HEADINGS = {"header_text"}
"""What is called after the head of a page."""
CLOSED = (
    *(inspect.LiteralType, inspect.NoneType, inspect.BoolType, inspect.IntType, inspect.FloatType),
    *(inspect.DateTimeType, inspect.DateType, inspect.StructType, inspect.EnumType, inspect.UUIDType),
)
"""What holds no text."""


def public_types() -> set[type[Struct]]:
    """Every type that can be reached from an answer of the public's door."""
    replies = [route.reply for route in all_routes() if route.door is Door.PUBLIC and route.reply is not None]
    found: set[type[Struct]] = set()
    waiting: list[Any] = [*replies, PublicPage, SharedView, Badge, ComponentChange, IncidentChange]
    while waiting:
        for held in _plain(inspect.type_info(waiting.pop())):
            if isinstance(held, inspect.StructType) and held.cls not in found:
                found.add(held.cls)
                waiting += [field.type for field in msgspec.structs.fields(held.cls)]
    return found


def _plain(held: inspect.Type) -> Iterator[inspect.Type]:
    match held:
        case inspect.UnionType(types=types):
            for one in types:
                yield from _plain(one)
        case inspect.CollectionType(item_type=item):
            yield from _plain(item)
        case _:
            yield held


FIELDS = [
    (struct.__name__, field.name, [*_plain(inspect.type_info(field.type))])
    for struct in sorted(public_types(), key=lambda each: f"{each.__name__} {each.__module__}")
    for field in msgspec.structs.fields(struct)
]


@pytest.mark.parametrize(("owner", "name", "held"), FIELDS, ids=[f"{owner}.{name}" for owner, name, _ in FIELDS])
def test_a_public_field_holds_words_for_the_public_or_no_words(owner: str, name: str, held: list[inspect.Type]) -> None:
    if f"{owner}.{name}" in OF_THE_READER:
        return
    texts = [each for each in held if not isinstance(each, CLOSED)]
    assert all(isinstance(each, inspect.StrType) for each in texts), "a mapping could hold anything"
    assert not texts or name in TEXTS
    parts = name.lower().split("_")
    assert name in HEADINGS or not any(word in parts or f"{word}s" in parts for word in INSIDE)


def test_the_public_has_types_to_be_looked_at() -> None:
    assert len(FIELDS) > 90
