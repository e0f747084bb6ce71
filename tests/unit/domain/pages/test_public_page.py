"""What the public sees cannot hold what is not public."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
from msgspec import inspect

from control_plane.domain.pages.public_page import (
    PublicBranding,
    PublicComponent,
    PublicDay,
    PublicGroup,
    PublicIncident,
    PublicMaintenance,
    PublicNotice,
    PublicPage,
    PublicUpdate,
)

TYPES = [
    PublicPage, PublicGroup, PublicComponent, PublicDay, PublicIncident, PublicUpdate, PublicMaintenance,
    PublicBranding, PublicNotice,
]  # fmt: skip
TEXTS = {
    "slug", "title", "description", "header_text", "footer_text", "logo", "name", "text", "message", "components",
    "accent", "accent_dark", "background", "background_dark",
}  # fmt: skip
"""Where free text may be: what people wrote for the public, and tokens and colours of ours."""
IDS = {"id", "component_ids"}


def fields() -> list[tuple[str, str, inspect.Type]]:
    """Every field that can be reached from a page: its type's name, its own, and what it holds."""
    found: list[tuple[str, str, inspect.Type]] = []
    seen: set[type] = set()
    waiting: list[Any] = [PublicPage]
    while waiting:
        struct = waiting.pop()
        if struct in seen:
            continue
        seen.add(struct)
        for field in inspect.type_info(struct).fields:  # type: ignore[attr-defined]
            for held in _plain(field.type):
                found.append((struct.__name__, field.name, held))
                if isinstance(held, inspect.StructType):
                    waiting.append(held.cls)
    assert seen == set(TYPES)
    return found


def _plain(held: inspect.Type) -> list[inspect.Type]:
    match held:
        case inspect.UnionType(types=types):
            return [plain for one in types for plain in _plain(one)]
        case inspect.CollectionType(item_type=item):
            return _plain(item)
        case _:
            return [held]


FIELDS = fields()


@pytest.mark.parametrize(("owner", "name", "held"), FIELDS, ids=[f"{owner}.{name}" for owner, name, _ in FIELDS])
def test_a_field_holds_words_for_the_public_or_nothing_that_could_tell(
    owner: str, name: str, held: inspect.Type
) -> None:
    match held:
        case inspect.StrType():
            assert name in TEXTS
        case inspect.UUIDType():
            assert name in IDS
        case inspect.LiteralType() | inspect.NoneType() | inspect.BoolType() | inspect.IntType() | inspect.FloatType():
            pass
        case inspect.DateTimeType() | inspect.DateType() | inspect.StructType():
            pass
        case _:
            pytest.fail(f"{owner}.{name} could hold anything")


@pytest.mark.parametrize("type_", TYPES)
def test_nothing_is_named_after_what_stays_inside(type_: type[msgspec.Struct]) -> None:
    inside = (
        "url",
        "host",
        "header",
        "secret",
        "password",
        "token",
        "credential",
        "monitor",
        "check",
        "evidence",
        "cause",
    )
    for name in type_.__struct_fields__:
        assert name == "header_text" or not any(word in name for word in inside), name


def test_a_page_survives_the_wire() -> None:
    day = PublicDay(day=date(2026, 5, 1), state="operational", uptime=100.0, down_s=0, degraded_s=0, maintenance_s=0)
    component = PublicComponent(
        id=UUID(int=1), name="Shop", description="", state="operational", since=datetime(2026, 5, 1, tzinfo=UTC),
        uptime=100.0, days=[day], latency_ms=None,
    )  # fmt: skip
    text = msgspec.json.encode(component)
    assert msgspec.json.decode(text, type=PublicComponent) == component
