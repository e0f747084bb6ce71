"""Sinch's batches (https://developers.sinch.com/docs/sms/api-reference/sms/tag/Batches/)."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

import msgspec

from control_plane.notify.guarded_http import Answer
from control_plane.notify.sms_provider import Fault, Request, Sms, by_status, read_object


class Sinch:
    """JSON under a Bearer token; 201 is success, an error is {code, text} and a status."""

    title: ClassVar[str] = "Sinch"

    @staticmethod
    def host(config: Sms) -> str:
        """One for each region."""
        return f"{config.region or 'us'}.sms.api.sinch.com"

    @staticmethod
    def request(config: Sms, text: str, *, message_id: UUID) -> Request:
        """POST …/{service_plan_id}/batches, a batch of one. `client_reference` comes back in Sinch's own reports."""
        body = {
            "from": config.sender,
            "to": [config.to],
            "body": text,
            "type": "mt_text",
            "client_reference": str(message_id),
        }
        return Request(
            url=f"https://{Sinch.host(config)}/xms/v1/{config.service_plan_id}/batches",
            content_type="application/json",
            body=msgspec.json.encode(body),
            authorization=f"Bearer {config.api_token}",
        )

    @staticmethod
    def fault(answer: Answer) -> Fault | None:
        """By the status; the code names the rule that was broken."""
        said = read_object(answer.body)
        code, told = said.get("code"), said.get("text")
        return by_status(answer, f"{told} ({code})" if told else None)
