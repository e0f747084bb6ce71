"""Reading what RDAP servers and IANA's bootstrap registry say (RFC 9083, RFC 9224). Pure; nothing is believed as is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import orjson
from msgspec import Struct

from shared.netpolicy import UrlRefused, parse_host_text
from shared.results import MESSAGE_LIMIT

STATUS_LIMIT = 32
"""Status values that are kept of a domain."""

ITEMS_LIMIT = 1000
"""Events, entities and the like that are looked at; an honest answer has a dozen."""

_STATUS_LENGTH = 200
_SHOWN = 80
_DATE = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d):(\d\d)(?:[.,]\d{1,20})?\s?(?:[Zz]|([+-])(\d\d):?(\d\d))?)?", re.ASCII
)


class BadAnswer(Exception):
    """Not what was asked for: no JSON, another shape, another domain. The message goes on as "The answer …"."""


class Registration(Struct, frozen=True):
    """What a registry says of a domain. `expires_at` in Unix seconds; None where it says nothing of an end."""

    expires_at: int | None
    registrar: str | None
    status: tuple[str, ...]


def read_servers(document: bytes) -> dict[str, tuple[str, ...]]:
    """Base URLs by domain suffix, https first, each with its trailing slash. Raises BadAnswer.

    RFC 9224 section 3: `services` is an array of pairs, the suffixes and the URLs. A pair of another shape is passed
    over: one bad line must not take the rest away. A list without any server is no list.
    """
    services = _object(document).get("services")
    found: dict[str, tuple[str, ...]] = {}
    for pair in services if isinstance(services, list) else ():
        if isinstance(pair, list) and len(pair) >= 2:
            urls = tuple(sorted(map(_with_slash, _texts(pair[1])), key=lambda url: not url.startswith("https:")))
            found |= {suffix.strip(".").lower(): urls for suffix in _texts(pair[0]) if urls}
    found.pop("", None)
    if not found:
        raise BadAnswer("names no server")
    return found


def servers_for(domain: str, servers: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Those of the longest suffix of whole labels (RFC 9224 section 4); empty when there is none."""
    labels = domain.split(".")
    suffixes = (".".join(labels[start:]) for start in range(len(labels)))
    return next((servers[suffix] for suffix in suffixes if suffix in servers), ())


def read_registration(body: bytes, *, domain: str) -> Registration:
    """What an answer says of `domain`, a lower-case name of A-labels. Raises BadAnswer."""
    answer = _object(body)
    _must_be_about(domain, answer)
    return Registration(
        expires_at=_expiration(answer.get("events")),
        registrar=_registrar(answer.get("entities")),
        status=tuple(_clean(text, _STATUS_LENGTH) for text in _texts(answer.get("status"))[:STATUS_LIMIT]),
    )


def parse_date(text: str) -> int:
    """Unix seconds of an RFC 3339 time, rounded down. Raises ValueError.

    Registries stray from the grammar: a comma or blank is taken, a missing offset is UTC, a date alone its first
    second, and a leap second the second after it.
    """
    match = _DATE.fullmatch(text.strip())
    if match is None:
        raise ValueError(text)
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    offset = timedelta(hours=int(match[8] or 0), minutes=int(match[9] or 0)) * (-1 if match[7] == "-" else 1)
    moment = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=timezone(offset))
    if second > 60:
        raise ValueError(text)
    return int(moment.timestamp()) + (second == 60)


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(body)  # refuses what is nested deeper than 1024
    except orjson.JSONDecodeError:
        raise BadAnswer("is not JSON") from None
    if not isinstance(value, dict):
        raise BadAnswer("is not a JSON object")
    return value


def _must_be_about(domain: str, answer: Mapping[str, Any]) -> None:
    """`ldhName` decides; some registries of internationalised names give `unicodeName` alone (RFC 9083 section 3)."""
    named = answer.get("ldhName") or answer.get("unicodeName")
    if not isinstance(named, str):
        raise BadAnswer("names no domain")
    if _canonical(named) != domain:
        raise BadAnswer(f"is about {_clean(named, _SHOWN)}, not about {domain}")


def _canonical(name: str) -> str | None:
    try:
        return parse_host_text(name.strip()).name
    except UrlRefused:
        return None


def _expiration(events: Any) -> int | None:
    """The latest: events are a history, in which a renewal stands beside the end that it replaced.

    `registrar expiration` (what a registrar bills by) is another action and does not count.
    """
    dates = [
        str(event.get("eventDate"))
        for event in _objects(events)
        if str(event.get("eventAction")).strip().lower() == "expiration"
    ]
    moments = [moment for moment in map(_moment, dates) if moment is not None]
    if dates and not moments:
        raise BadAnswer(f"has an expiration date that cannot be read: {_clean(dates[0], _SHOWN)}")
    return max(moments, default=None)


def _moment(text: str) -> int | None:
    try:
        return parse_date(text)
    except ValueError:
        return None


def _registrar(entities: Any) -> str | None:
    """The name in the card of the entity with the role `registrar`, else its public identifier, else its handle."""
    for entity in _objects(entities):
        if "registrar" in (role.strip().lower() for role in _texts(entity.get("roles"))):
            names = (*_full_names(entity.get("vcardArray")), *_public_ids(entity), entity.get("handle"))
            shown = (_clean(name, MESSAGE_LIMIT) for name in names if isinstance(name, str))
            return next(filter(None, shown), None)
    return None


def _full_names(card: Any) -> Iterator[Any]:
    """jCard (RFC 7095): ["vcard", [[name, parameters, type, value], …]]."""
    properties = card[1] if isinstance(card, list) and len(card) == 2 and isinstance(card[1], list) else ()
    for item in properties:
        if isinstance(item, list) and len(item) >= 4 and item[0] == "fn":
            yield item[3]


def _public_ids(entity: Mapping[str, Any]) -> Iterator[str]:
    for item in _objects(entity.get("publicIds")):
        if isinstance(item.get("identifier"), str):
            yield f"{item.get('type') or 'registrar'} {item['identifier']}"


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    return (item for item in value[:ITEMS_LIMIT] if isinstance(item, dict)) if isinstance(value, list) else iter(())


def _texts(value: Any) -> Sequence[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else ()


def _with_slash(url: str) -> str:
    """RFC 9224 section 3 asks for the slash; without it the last part of the path would be lost."""
    return url if url.endswith("/") else f"{url}/"


def _clean(text: str, limit: int) -> str:
    """A stranger's text: one line, printable, short."""
    shown = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text.strip()[: limit + 1])
    return shown if len(shown) <= limit else f"{shown[: limit - 1]}…"
