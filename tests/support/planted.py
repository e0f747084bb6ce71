"""Secrets that were planted, and every form in which one could come to light."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from urllib.parse import quote, quote_plus

_RUN = re.compile(rb"[0-9a-fA-F]{32,}")
_ODD = "\"<&'+/= "
"""Part of what may hold any character, so that each way of escaping makes another text of it."""


@dataclass
class Secrets:
    """What must stay secret, by the name of where it was planted."""

    values: dict[str, str] = field(default_factory=dict)

    def plant(self, name: str, *, odd: bool = False) -> str:
        """A secret of its own that looks like no other. `odd`: with characters that are escaped in JSON, HTML, URLs."""
        number = len(self.values)
        value = f"pl4nt{number:03d}{_ODD if odd else '-'}{base64.b16encode(bytes([number] * 6)).decode()}zq"
        return self.learn(name, value)

    def learn(self, name: str, value: str) -> str:
        """A secret that somebody else made."""
        assert len(value) >= 12, f"{name}: so short a text occurs by chance"
        assert name not in self.values or self.values[name] == value, f"{name} is planted twice"
        self.values[name] = value
        return value

    def within(self, content: bytes) -> set[str]:
        """The names of those that are in it, in whatever form."""
        haystack = content + b"\n" + b"\n".join(_unhexed(content))
        return {name for name, value in self.values.items() if any(form in haystack for form in forms(value))}


def forms(value: str) -> set[bytes]:
    """The secret as it is, and as URLs, base64, hex, JSON and HTML have it."""
    raw = value.encode()
    texts = {
        value,
        quote(value),
        quote(value, safe=""),
        quote_plus(value),
        json.dumps(value)[1:-1],
        json.dumps(json.dumps(value)[1:-1])[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        html.escape(value),
        html.escape(value, quote=False),
        html.escape(value).replace("&quot;", "&#34;").replace("&#x27;", "&#39;"),
        raw.hex(),
        raw.hex().upper(),
    }
    texts |= {*_in_base64(raw)}
    return {text.encode() for text in texts}


def _in_base64(raw: bytes) -> Iterator[str]:
    """What of the secret's base64 does not depend on what stands before and after it, at each of three places."""
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + raw).decode().rstrip("=")
        start, cut = (0, 2, 3)[before], (before + len(raw)) % 3
        certain = encoded[start : len(encoded) - (1 if cut else 0)]
        yield certain
        yield certain.replace("+", "-").replace("/", "_")


def _unhexed(content: bytes) -> Iterator[bytes]:
    """Runs of hex digits as the bytes that they stand for: how a dump shows a column of bytes."""
    for run in _RUN.findall(content):
        yield bytes.fromhex(run[: len(run) // 2 * 2].decode())


@dataclass(frozen=True, slots=True)
class Allowed:
    """Secrets that may be in these places, and why. Both are patterns as of file names."""

    secret: str
    place: str
    why: str


@dataclass
class Heard:
    """Everything that was said, by whom it was said."""

    places: list[tuple[str, bytes]] = field(default_factory=list)

    def add(self, place: str, content: bytes | str) -> None:
        self.places.append((place, content if isinstance(content, bytes) else content.encode()))

    def leaks(self, secrets: Secrets, allowed: tuple[Allowed, ...] = ()) -> list[str]:
        """Each secret in a place where it may not be."""
        found = [(name, place) for place, content in self.places for name in sorted(secrets.within(content))]
        return sorted(
            {
                f"{name} in {place}"
                for name, place in found
                if not any(fnmatchcase(name, one.secret) and fnmatchcase(place, one.place) for one in allowed)
            }
        )
