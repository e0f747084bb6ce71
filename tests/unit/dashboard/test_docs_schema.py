"""What the docs say of a field: values as a body has them."""

from __future__ import annotations

from typing import Any

import pytest

from control_plane.dashboard.docs.docs_schema import kind_of, limits_of


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"default": False}, "default false"),
        ({"default": "GET"}, 'default "GET"'),
        ({"default": ["up", None]}, 'default ["up",null]'),
        ({"minimum": 1, "maximum": 0.5}, "at least 1; at most 0.5"),
        ({"pattern": "^[a-z]+$"}, "of the form ^[a-z]+$"),
    ],
    ids=["false", "text", "list", "bounds", "pattern"],
)
def test_values_are_json(schema: dict[str, Any], said: str) -> None:
    assert limits_of(schema) == said


def test_one_of_several_values_is_json_too() -> None:
    assert kind_of({"enum": ["on", True, None]}, {}) == "“on” | true | null"
