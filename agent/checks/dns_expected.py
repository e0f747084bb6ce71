"""Whether DNS values are the expected ones, written as people write them. Pure.

Case, trailing dots, runs of spaces and quotes do not matter, an address may be spelled in any way, and where a value
has several parts the telling one is enough: `mail.example.com` for `10 mail.example.com`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address

from shared.checks.dns import RecordType
from shared.netpolicy.labels import to_a_label


@dataclass(frozen=True, slots=True)
class Difference:
    """Expected values that are not there, and, where only those may be, values that nobody expects."""

    missing: tuple[str, ...]
    surplus: tuple[str, ...]


def compare(
    values: Sequence[str], *, record_type: RecordType, expected: Sequence[str], exact: bool
) -> Difference | None:
    """None when all is as expected. `values` are those of agent.dns.values."""
    if not expected:
        return None
    wanted = {_normal(text, record_type): text for text in expected}
    forms = [_forms(value, record_type) for value in values]
    present = frozenset[str]().union(*forms)
    missing = tuple(text for normal, text in wanted.items() if normal not in present)
    surplus: tuple[str, ...] = ()
    if exact:
        surplus = tuple(value for value, known in zip(values, forms, strict=True) if known.isdisjoint(wanted))
    return Difference(missing, surplus) if missing or surplus else None


@lru_cache(maxsize=16_384)
def _forms(value: str, record_type: RecordType) -> frozenset[str]:
    """All the ways in which somebody may name this value, each of them normal."""
    words = value.split(" ")
    match record_type:
        case "MX":
            ways = [value, words[-1]]
        case "SRV":
            ways = [value, words[-1], f"{words[-1]}:{words[-2]}"]
        case "SOA":
            ways = [value, words[0], words[2]]
        case "CAA":
            ways = [value, value.partition(" ")[2], value.split(" ", 2)[2]]
        case _:
            ways = [value]
    return frozenset(_normal(way, record_type) for way in ways)


@lru_cache(maxsize=16_384)
def _normal(text: str, record_type: RecordType) -> str:
    return _NORMAL.get(record_type, _normal_names)(text.strip())


def _normal_address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        return text.lower().rstrip(".")


def _normal_names(text: str) -> str:
    """Words of which any may be a name: `10 Mail.Example.com.` is `10 mail.example.com`."""
    return " ".join(_a_labels(word.rstrip(".").lower()) or "." for word in text.split())


def _a_labels(word: str) -> str:
    if word.isascii():
        return word
    return ".".join(_a_label(label) for label in word.split("."))


def _a_label(label: str) -> str:
    return label if label.isascii() or len(label) > 63 else to_a_label(label) or label


def _normal_text(text: str) -> str:
    """A TXT value, or its strings in quotes as a zone file has them, joined."""
    if len(text) > 1 and text.startswith('"') and text.endswith('"'):
        text = "".join(_strings(text[1:-1]))
    return text.strip().lower().rstrip(".")


def _strings(inner: str) -> Iterable[str]:
    """What is between the quotes of `"a" "b"`, given without the outermost two."""
    parts = inner.split('"')
    return parts if any(part.strip() for part in parts[1::2]) else parts[::2]


def _normal_property(text: str) -> str:
    """A CAA value: flags, tag and value, or the end of it."""
    return " ".join(text.replace('"', "").lower().split()).rstrip(".")


_NORMAL: dict[RecordType, Callable[[str], str]] = {
    "A": _normal_address,
    "AAAA": _normal_address,
    "TXT": _normal_text,
    "CAA": _normal_property,
}
