"""What a webhook's receiver answers to the question whether it wants to be told: its challenge, and nothing besides.

An answer of 2xx is not enough, since many receivers give it to whatever comes, and one that repeats what it was sent is
refused as well: nobody is to be flooded at an address that somebody else has named.
"""

from __future__ import annotations

import hmac

import msgspec

from control_plane.domain.pages.subscription_link import subscription_token
from control_plane.notify.page_message import CHALLENGE, CONFIRM
from control_plane.store import page_subscribers
from control_plane.store.page_deliveries import ToSend
from control_plane.store.pool import Database


async def take_answer(database: Database, asked: ToSend, answer: str, *, pepper: bytes) -> bool:
    """Confirm the subscription if the answer is right; whether it is."""
    if asked.kind != "webhook" or asked.event != CONFIRM:
        return False
    challenge = subscription_token(
        "confirm", tenant_id=asked.tenant_id, subscriber_id=asked.subscriber_id, pepper=pepper, nonce=asked.nonce
    )
    if not hmac.compare_digest(_said(answer).encode(), challenge.encode()):
        return False
    async with database.app_transaction() as conn:
        await page_subscribers.hold_list(conn, tenant_id=asked.tenant_id, page_id=asked.page_id)
        row = await page_subscribers.hold_subscriber(conn, tenant_id=asked.tenant_id, subscriber_id=asked.subscriber_id)
        if row is None or row.confirmed_at is not None or row.is_over or row.nonce != asked.nonce:
            return False
        await page_subscribers.confirm(conn, row)
        return True


def _said(answer: str) -> str:
    """The challenge in it: as plain text, or as the one field of a JSON object."""
    text = answer.strip()
    try:
        document = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text
    alone = isinstance(document, dict) and list(document) == [CHALLENGE]
    return str(document[CHALLENGE]) if alone else ""
