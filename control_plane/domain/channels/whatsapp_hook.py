"""What WhatsApp's webhook tells: codes that were sent to our number, stop, and messages that did not arrive. Pure.

https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/reference/messages. Whatever else comes, or comes in
another shape, is not for us: Meta repeats what is not answered with 200, so nothing of it may be refused.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from control_plane.domain.channels.channel_link import CODE

STOPS = frozenset({"stop", "/stop"})

_DIGITS = re.compile(r"[1-9][0-9]{6,14}")


class Coded(Struct, frozen=True):
    """Somebody sent a code. `profile_name` is what they call themselves."""

    phone: str
    code: str
    profile_name: str


class Stopped(Struct, frozen=True):
    """Somebody wants no more messages."""

    phone: str


class Failed(Struct, frozen=True):
    """A message that was accepted did not arrive. `message_id` is ours, where it came back."""

    phone: str
    wamid: str
    message_id: UUID | None
    told: str


Event = Coded | Stopped | Failed


def is_signed(body: bytes, header: str | None, *, app_secret: str) -> bool:
    """Whether X-Hub-Signature-256 is of exactly these bytes, in constant time."""
    wanted = "sha256=" + hmac.new(app_secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(wanted.encode(), (header or "").encode("utf-8", "replace"))


def events(body: bytes, *, phone_number_id: str) -> list[Event]:
    """What is for us in what was posted, in order; of other numbers of the same app nothing is."""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return []
    found: list[Event] = []
    for value in _values(document):
        if _at(value, "metadata", "phone_number_id") == phone_number_id:
            names = _names(value)
            found += [event for each in _list(value, "messages") if (event := _message(each, names)) is not None]
            found += [event for each in _list(value, "statuses") if (event := _status(each)) is not None]
    return found


def _values(document: Any) -> Iterator[Any]:
    for entry in _list(document, "entry"):
        for change in _list(entry, "changes"):
            if _at(change, "field") == "messages":
                yield _at(change, "value")


def _names(value: Any) -> dict[str, str]:
    return {str(_at(each, "wa_id")): _plain(_at(each, "profile", "name"), 100) for each in _list(value, "contacts")}


def _message(message: Any, names: Mapping[str, str]) -> Event | None:
    phone, text = str(_at(message, "from")), _at(message, "text", "body")
    if not _DIGITS.fullmatch(phone) or not isinstance(text, str):
        return None
    words = text.split()
    if len(words) == 1 and words[0].lower().rstrip(".!") in STOPS:
        return Stopped(phone)
    code = next((word for word in words if CODE.fullmatch(word)), None)
    return None if code is None else Coded(phone, code, names.get(phone, ""))


def _status(status: Any) -> Event | None:
    phone, wamid = str(_at(status, "recipient_id")), _at(status, "id")
    if _at(status, "status") != "failed" or not _DIGITS.fullmatch(phone) or not _is_id(wamid):
        return None
    return Failed(phone, wamid, _uuid(_at(status, "biz_opaque_callback_data")), _told(_list(status, "errors")))


def _told(errors: list[Any]) -> str:
    first = errors[0] if errors else None
    words = _at(first, "error_data", "details") or _at(first, "title") or _at(first, "message") or "no reason"
    code = _at(first, "code")
    plain = _plain(words, 300)
    return plain if code is None else f"{plain} ({_plain(code, 20)})"


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable() and 0 < len(value) <= 300


def _plain(value: Any, limit: int) -> str:
    """One line without what PostgreSQL cannot store; nothing where there is nothing."""
    text = "" if value is None else str(value)
    return "".join(each if each.isprintable() else " " for each in text)[:limit].strip()


def _uuid(value: Any) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _at(value: Any, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _list(value: Any, name: str) -> list[Any]:
    found = _at(value, name)
    return found if isinstance(found, list) else []
