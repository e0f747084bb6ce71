"""Plivo's Message resource (https://www.plivo.com/docs/messaging/api/message, /docs/messaging/api/response)."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

import msgspec

from control_plane.notify.excerpt import basic
from control_plane.notify.guarded_http import Answer
from control_plane.notify.sms_provider import Fault, Request, Sms, by_status, read_object


class Plivo:
    """JSON under Basic authentication; 202 is success, an error is {api_id, error} and a status."""

    title: ClassVar[str] = "Plivo"

    @staticmethod
    def host(config: Sms) -> str:  # noqa: ARG004
        """One for all accounts."""
        return "api.plivo.com"

    @staticmethod
    def request(config: Sms, text: str, *, message_id: UUID) -> Request:  # noqa: ARG004
        """POST …/Account/{auth_id}/Message/."""
        return Request(
            url=f"https://api.plivo.com/v1/Account/{config.auth_id}/Message/",
            content_type="application/json",
            body=msgspec.json.encode({"src": config.sender, "dst": config.to, "text": text}),
            authorization=f"Basic {basic(config.auth_id or '', config.auth_token or '')}",
        )

    @staticmethod
    def fault(answer: Answer) -> Fault | None:
        """By the status. Plivo learns of STOP later, and tells only whoever has a callback."""
        told = read_object(answer.body).get("error")
        return by_status(answer, None if told is None else str(told))
