"""What every SMS gateway offers: one request for one text, and what its answer means.

Its modules only know the vendor's form; sms.py sends, and masks what is kept. None of the five documents a key against
duplicates: a text whose answer was lost may arrive twice. The message's id goes along where there is a field for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol
from uuid import UUID

import msgspec
from msgspec import Struct

from control_plane.notify.guarded_http import Answer
from control_plane.notify.transport import Configuration


class Sms(Configuration, frozen=True, tag="sms", kw_only=True):
    """A number, and the credentials of the gateway that `provider` names; sms_rules.py has which are whose."""

    provider: str
    to: str
    sender: str = msgspec.field(name="from")
    account_sid: str | None = None
    auth_id: str | None = None
    auth_token: str | None = None
    api_key: str | None = None
    api_secret: str | None = None
    api_token: str | None = None
    messaging_profile_id: str | None = None
    service_plan_id: str | None = None
    region: str | None = None


class Request(Struct, frozen=True, kw_only=True):
    """One POST."""

    url: str
    content_type: str
    body: bytes
    authorization: str | None = None


class Fault(Struct, frozen=True, kw_only=True):
    """Why a text was not taken. `told` is in the vendor's words or ours; secrets are masked later.

    `gone`: whoever has the number has said STOP, or it is nobody's any more.
    """

    told: str
    permanent: bool = False
    gone: bool = False


class Provider(Protocol):
    """One gateway."""

    title: ClassVar[str]

    @staticmethod
    def host(config: Sms) -> str:
        """Where it is asked."""

    @staticmethod
    def request(config: Sms, text: str, *, message_id: UUID) -> Request:
        """The request that sends this text."""

    @staticmethod
    def fault(answer: Answer) -> Fault | None:
        """What is wrong; None: the text was taken."""


RETRIED = frozenset({401, 402, 403, 408, 409, 423, 425, 429})
"""Statuses of the 4xx that may pass: a credential or credit can be renewed meanwhile, and what waits then uses it."""


def by_status(answer: Answer, told: str | None = None) -> Fault | None:
    """What the status alone says: 3xx and 4xx are final but for RETRIED. `told`: the vendor's own words."""
    status = answer.status
    if 200 <= status < 300:
        return None
    words = f"answered {status}" + (f": {told}" if told else "")
    if 300 <= status < 400:
        words = f"answered {status}: redirects are not followed"
    return Fault(told=words, permanent=300 <= status < 500 and status not in RETRIED)


def read_object(body: bytes) -> Mapping[str, Any]:
    """The answer as a JSON object; an empty one when it is none."""
    try:
        found = msgspec.json.decode(body)
    except msgspec.MsgspecError:
        return {}
    return found if isinstance(found, dict) else {}
