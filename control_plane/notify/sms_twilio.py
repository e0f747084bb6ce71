"""Twilio's Messages resource (https://www.twilio.com/docs/messaging/api/message-resource, /docs/api/errors)."""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import urlencode
from uuid import UUID

from control_plane.notify.excerpt import basic
from control_plane.notify.guarded_http import Answer
from control_plane.notify.sms_provider import Fault, Request, Sms, by_status, read_object

STOPPED = 21610
"""Attempt to send to an unsubscribed recipient."""

PASSING = frozenset({14107, 20429, 21611, 30001, 63038})
"""Rate limits and full queues, which Twilio answers with 400 or 429."""


class Twilio:
    """A form under Basic authentication; 201 is success, an error is {code, message, more_info, status}."""

    title: ClassVar[str] = "Twilio"

    @staticmethod
    def host(config: Sms) -> str:  # noqa: ARG004
        """One for all accounts."""
        return "api.twilio.com"

    @staticmethod
    def request(config: Sms, text: str, *, message_id: UUID) -> Request:  # noqa: ARG004
        """POST …/Accounts/{sid}/Messages.json."""
        return Request(
            url=f"https://api.twilio.com/2010-04-01/Accounts/{config.account_sid}/Messages.json",
            content_type="application/x-www-form-urlencoded",
            body=urlencode({"To": config.to, "From": config.sender, "Body": text}).encode(),
            authorization=f"Basic {basic(config.account_sid or '', config.auth_token or '')}",
        )

    @staticmethod
    def fault(answer: Answer) -> Fault | None:
        """By Twilio's code where there is one."""
        said = read_object(answer.body)
        code, told = said.get("code"), said.get("message")
        fault = by_status(answer, f"{told} ({code})" if told else None)
        if fault is None:
            return None
        if code == STOPPED:
            return Fault(told=f"the recipient has replied STOP to this sender ({code})", gone=True)
        return Fault(told=fault.told, permanent=fault.permanent and code not in PASSING)
