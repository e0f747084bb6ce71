"""Vonage's SMS API (https://developer.vonage.com/en/api/sms, /en/messaging/sms/guides/troubleshooting-sms).

It answers 200 also when it refuses: what became of the text is in the `status` of each part, "0" being success.
"""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import urlencode
from uuid import UUID

from control_plane.domain.channels.sms_text import is_gsm
from control_plane.notify.guarded_http import Answer
from control_plane.notify.sms_provider import Fault, Request, Sms, by_status, read_object

PASSING = frozenset({"1", "4", "5", "9"})
"""Throttled, internal error; and credentials and credit, which can be renewed meanwhile."""

GONE = frozenset({"7", "33"})
"""Number barred: blocked for this account, such as after STOP. Number de-activated."""


class Vonage:
    """A form with the credentials in it. Numbers have no leading +; what is not GSM says so in `type`."""

    title: ClassVar[str] = "Vonage"

    @staticmethod
    def host(config: Sms) -> str:  # noqa: ARG004
        """One for all accounts."""
        return "rest.nexmo.com"

    @staticmethod
    def request(config: Sms, text: str, *, message_id: UUID) -> Request:
        """POST /sms/json. `client-ref` comes back in Vonage's own records."""
        fields = {
            "api_key": config.api_key or "",
            "api_secret": config.api_secret or "",
            "to": config.to.removeprefix("+"),
            "from": config.sender.removeprefix("+"),
            "text": text,
            "type": "text" if is_gsm(text) else "unicode",
            "client-ref": str(message_id),
        }
        return Request(
            url="https://rest.nexmo.com/sms/json",
            content_type="application/x-www-form-urlencoded",
            body=urlencode(fields).encode(),
        )

    @staticmethod
    def fault(answer: Answer) -> Fault | None:
        """The first part that was refused speaks for all."""
        parts = read_object(answer.body).get("messages")
        if answer.status != 200 or not isinstance(parts, list) or not parts:
            return by_status(answer) or Fault(told="answered without saying what became of the text")
        for part in parts:
            status = str(part.get("status", "")) if isinstance(part, dict) else ""
            if status != "0":
                return _refused(status, str(part.get("error-text", "no reason")) if isinstance(part, dict) else "")
        return None


def _refused(status: str, told: str) -> Fault:
    return Fault(
        told=f"refused the text: {told} (status {status})", permanent=status not in PASSING, gone=status in GONE
    )
