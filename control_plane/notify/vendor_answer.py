"""What a vendor answers: JSON that may be anything, the fields that are looked for, and a refusal as TransportError."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec

from control_plane.domain.alerting.delivery import RETRY_AFTER_CAP, retry_after
from control_plane.notify.guarded_http import Answer
from control_plane.notify.transport import Message
from control_plane.notify.transport_error import TransportError

JSON = {"Content-Type": "application/json; charset=utf-8", "Accept-Encoding": "identity"}
"""Headers of every request with a JSON body."""


def json_object(answer: Answer) -> dict[str, Any]:
    """The answer's JSON object; empty for anything else."""
    try:
        found = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def text_of(document: Mapping[str, Any], name: str) -> str:
    """A field that has to be a short text; empty for anything else."""
    value = document.get(name)
    return value if isinstance(value, str) and len(value) <= 200 else ""


def accepted(answer: Answer) -> bool:
    """2xx."""
    return 200 <= answer.status < 300


def refusal(
    told: str,
    answer: Answer,
    *,
    message: Message,
    response: str | None,
    permanent: bool = False,
    gone: bool = False,
    wait_s: Any = None,
) -> TransportError:
    """`told` says who refused what. A redirect is never followed. `wait_s`: the wait that the body asks for."""
    redirect = 300 <= answer.status < 400
    waits = [each for each in (retry_after(answer.retry_after, now=message.sent_at), _seconds(wait_s)) if each]
    return TransportError(
        told + (": redirects are not followed" if redirect else ""),
        permanent=permanent or redirect,
        gone=gone,
        retry_after=max(waits, default=None),
        http_status=answer.status,
        response=response,
    )


def _seconds(value: Any) -> timedelta | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        return None
    return timedelta(seconds=min(float(value), RETRY_AFTER_CAP.total_seconds()))
