"""Bodies that a served control plane really took and gave, reviewed: python -m tests.support.write_examples."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
from msgspec import Struct


class Example(Struct, frozen=True):
    """Of one operation. An absent request is the route's own example; an absent reply is no JSON."""

    request: Any = msgspec.UNSET
    reply: Any = msgspec.UNSET


@cache
def examples() -> dict[str, Example]:
    """By operation."""
    return msgspec.json.decode((files(__package__) / "examples.json").read_bytes(), type=dict[str, Example])
