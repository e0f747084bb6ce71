"""What a control plane said, without what differs from run to run: for examples that people read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

NOON = datetime(2026, 5, 12, 9, 30, tzinfo=UTC)
"""When the examples happen."""

HOME = "https://farwatch.example.com"
SHOWN_ITEMS = 3
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TIME = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")
_KEY = re.compile(r"fw_(live|probe|manage)_[0-9A-Za-z_-]{20,}")
_HEX = re.compile(r"\b[0-9a-f]{32,}\b")
_WEBHOOK_SECRET = re.compile(r"whsec_[0-9A-Za-z+/=]+")
_FILLING = "3kQ9vXw2TzR7mBn5cLpD8sHfJ6yGtA4e"
_LINK = re.compile(r"/(setup|invite)/[0-9A-Za-z_-]{16,}")


def stable(said: Any, *, home: str) -> Any:
    """The same with ids counted up, times moved to NOON, keys and links that open nothing, and short lists."""
    return _Steady(home)(said)


class _Steady:
    def __init__(self, home: str) -> None:
        self._home = home
        self._now = datetime.now(UTC)
        self._ids: dict[str, str] = {}

    def __call__(self, value: Any) -> Any:
        match value:
            case dict():
                return self._of_object(value)
            case list():
                kept = value if all(isinstance(each, str) for each in value) else value[:SHOWN_ITEMS]
                return [self(each) for each in kept]
            case str():
                return self._of_text(value)
            case float():
                return round(value, 2)
            case _:
                return value

    def _of_object(self, value: Mapping[str, Any]) -> dict[str, Any]:
        said = {self._of_text(name): self(each) for name, each in value.items()}
        if isinstance(prefix := said.get("prefix"), str) and prefix.startswith("fw_"):
            said["prefix"] = f"{prefix[: -len(prefix.rpartition('_')[2])]}{_FILLING[:4]}"
        return said

    def _of_text(self, text: str) -> str:
        text = text.replace(self._home, HOME).replace("python-httpx/" + httpx.__version__, "Firefox")
        text = _UUID.sub(lambda found: self._id(found[0]), text)
        text = _TIME.sub(self._moved, text)
        text = _KEY.sub(lambda found: f"fw_{found[1]}_{_FILLING}", text)
        text = _WEBHOOK_SECRET.sub(f"whsec_{_FILLING}", text)
        text = _LINK.sub(lambda found: f"/{found[1]}/{_FILLING}", text)
        return _HEX.sub(lambda found: ("9f2c51e07a3b44d0" * 8)[: len(found[0])], text)

    def _id(self, given: str) -> str:
        return self._ids.setdefault(given, f"01990000-0000-7000-8000-{len(self._ids) + 1:012x}")

    def _moved(self, found: re.Match[str]) -> str:
        then = datetime.fromisoformat(found[0])
        if abs(then - self._now) > timedelta(days=400):
            return found[0]
        moved = NOON + timedelta(seconds=round((then - self._now).total_seconds()))
        return moved.strftime("%Y-%m-%dT%H:%M:%SZ")
