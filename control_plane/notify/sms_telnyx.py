"""Telnyx: https://developers.telnyx.com/api/messaging/send-message and …/docs/messaging/messages/error-codes."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

import msgspec

from control_plane.notify.guarded_http import Answer
from control_plane.notify.sms_provider import Fault, Request, Sms, by_status, read_object

STOPPED = "40300"
"""Blocked due to STOP message."""

PASSING = frozenset({"10007", "10011", "40318", "40320"})
"""An unexpected error, too many requests, a full queue, a sender that is unusable for the moment."""

FINAL = frozenset({"403", "404"})
"""What codes of refused messages begin with (40305 invalid sender, 40310 invalid number, …), whatever the status."""


class Telnyx:
    """JSON under a Bearer key; 200 is success, an error is {errors: [{code, title, detail}]}."""

    title: ClassVar[str] = "Telnyx"

    @staticmethod
    def host(config: Sms) -> str:  # noqa: ARG004
        """One for all accounts."""
        return "api.telnyx.com"

    @staticmethod
    def request(config: Sms, text: str, *, message_id: UUID) -> Request:  # noqa: ARG004
        """POST /v2/messages."""
        body = {"from": config.sender, "to": config.to, "text": text, "type": "SMS"}
        if config.messaging_profile_id is not None:
            body["messaging_profile_id"] = config.messaging_profile_id
        return Request(
            url="https://api.telnyx.com/v2/messages",
            content_type="application/json",
            body=msgspec.json.encode(body),
            authorization=f"Bearer {config.api_key}",
        )

    @staticmethod
    def fault(answer: Answer) -> Fault | None:
        """By the first error's code where there is one."""
        code, told = _first(answer.body)
        fault = by_status(answer, f"{told} ({code})" if told else None)
        if fault is None:
            return None
        if code == STOPPED:
            return Fault(told=f"the recipient has replied STOP to this sender ({code})", gone=True)
        final = fault.permanent or (len(code) == 5 and code[:3] in FINAL and answer.status < 500)
        return Fault(told=fault.told, permanent=final and code not in PASSING)


def _first(body: bytes) -> tuple[str, str | None]:
    errors = read_object(body).get("errors")
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    told = first.get("detail") or first.get("title")
    return str(first.get("code", "")), None if told is None else str(told)
