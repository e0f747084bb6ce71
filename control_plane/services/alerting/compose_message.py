"""Put what is to be sent into words: the stored bodies, and what only the moment of sending knows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

import msgspec
from msgspec import Struct

from control_plane.domain.alerting.acknowledge_link import Acknowledgeable, acknowledge_token
from control_plane.domain.alerting.message_words import Words
from control_plane.domain.alerting.unsubscribe_link import unsubscribe_token
from control_plane.notify import render
from control_plane.notify.render import Surroundings
from control_plane.notify.told import read_body
from control_plane.notify.transport import Message
from control_plane.settings import Settings
from control_plane.store.outbox import Claimed


class Links(Struct, frozen=True):
    """Links that messages carry. `acknowledge` makes the one for (tenant, incident, channel), or None without one.

    `unsubscribe` the one for (tenant, channel, address).
    """

    acknowledge: Callable[[UUID, UUID, UUID], str | None] = lambda _tenant, _incident, _channel: None
    unsubscribe: Callable[[UUID, UUID, str], str | None] = lambda _tenant, _channel, _address: None


NO_LINKS = Links()


def links_of(settings: Settings) -> Links:
    """Where people reach this installation, if its operator has said so."""
    home, pepper = settings.server.public_url.rstrip("/"), settings.security.pepper.encode()
    if not home:
        return NO_LINKS

    def acknowledge(tenant_id: UUID, incident_id: UUID, channel_id: UUID) -> str:
        token = acknowledge_token(Acknowledgeable(tenant_id, incident_id, channel_id), pepper=pepper)
        return f"{home}/ack/{token}"

    def unsubscribe(tenant_id: UUID, channel_id: UUID, address: str) -> str:
        token = unsubscribe_token(tenant_id=tenant_id, channel_id=channel_id, address=address, pepper=pepper)
        return f"{home}/unsubscribe/{token}"

    return Links(acknowledge=acknowledge, unsubscribe=unsubscribe)


def compose_message(members: Sequence[Claimed], *, links: Links) -> Message:
    """One message of these deliveries, which go together."""
    lead = members[0]
    single = len(members) == 1
    around = Surroundings(
        notice=lead.notice,
        now=lead.now,
        acknowledge_url=_acknowledge_url(lead, links) if single else None,
        templates=lead.templates,
    )
    return Message(
        message_id=lead.message_id,
        attempt=lead.attempt,
        body=lead.body.encode(),
        sent_at=lead.now,
        words=_words(members, around),
        notice=lead.notice,
        incident_id=lead.incident_id if single else None,
        receipt=lead.receipt if single else None,
        others=tuple(each.body.encode() for each in members[1:]),
        unsubscribe_url=_unsubscribe_url(lead, links),
    )


def _words(members: Sequence[Claimed], around: Surroundings) -> Words:
    """A body that another release has written may be of another shape: then the message says less, and still goes."""
    try:
        return render.words([read_body(each.body.encode()) for each in members], around)
    except msgspec.MsgspecError:
        names = ", ".join(dict.fromkeys(each.event for each in members))
        return Words(
            title=f"Farwatch: {names}", text="Open Farwatch to see what happened.", tone="alarm", phase="event"
        )


def _unsubscribe_url(claimed: Claimed, links: Links) -> str | None:
    address = (claimed.config or {}).get("to")
    if claimed.kind != "email" or claimed.channel_id is None or not isinstance(address, str):
        return None
    return links.unsubscribe(claimed.tenant_id, claimed.channel_id, address)


def _acknowledge_url(claimed: Claimed, links: Links) -> str | None:
    if claimed.incident_id is None or claimed.channel_id is None or claimed.notice in ("resolved", "test", "event"):
        return None
    return links.acknowledge(claimed.tenant_id, claimed.incident_id, claimed.channel_id)
