"""Do what WhatsApp's webhook tells: link a number by its code, stop, or record what did not arrive."""

from __future__ import annotations

from uuid import UUID

import structlog
from msgspec import Struct

from control_plane.domain.channels.whatsapp_hook import Coded, Event, Failed, Stopped
from control_plane.errors import FarwatchError, Unavailable
from control_plane.sealing import Sealer
from control_plane.services.alerting import channel_config
from control_plane.services.alerting.channel_config import Transports
from control_plane.services.alerting.create_linked_channel import Passage, create_linked_channel
from control_plane.services.alerting.disable_linked import disable_linked
from control_plane.services.alerting.link_codes import find_code
from control_plane.services.alerting.record_late_failure import record_late_failure
from control_plane.store.pool import Database

KIND = "whatsapp_app"

_log = structlog.get_logger(__name__)


class Means(Struct, frozen=True, kw_only=True):
    """What it takes. `pepper` goes into the digests of codes."""

    sealer: Sealer
    transports: Transports
    pepper: bytes
    passage: Passage


async def take_whatsapp_event(database: Database, event: Event, *, channel_id: UUID, means: Means) -> None:
    """Each may come twice. Raises Unavailable when Meta has to tell it again."""
    match event:
        case Coded():
            await _link(database, event, channel_id=channel_id, means=means)
        case Stopped(phone=phone):
            await disable_linked(
                database,
                kind=KIND,
                address=phone,
                reason="Somebody sent stop from this number",
                named="WhatsApp",
                operation=means.passage.operation,
            )
        case Failed():
            await record_late_failure(
                database,
                kind=KIND,
                address=event.phone,
                vendors_id=event.wamid,
                message_id=event.message_id,
                reason=f"WhatsApp took the message, and could not deliver it: {event.told}",
            )


async def _link(database: Database, coded: Coded, *, channel_id: UUID, means: Means) -> None:
    link = await find_code(database, coded.code, purposes=("whatsapp", "delegate"), pepper=means.pepper, kind=KIND)
    if link is None:
        return
    config = {"phone": coded.phone, "profile_name": coded.profile_name}
    try:
        prepared = channel_config.prepare_as(KIND, config, means.transports)
        await create_linked_channel(
            database,
            link,
            sealer=means.sealer,
            channel_id=channel_id,
            prepared=prepared,
            called=f"WhatsApp of {coded.profile_name}" if coded.profile_name else "WhatsApp",
            passage=means.passage,
        )
    except Unavailable:
        raise
    except FarwatchError as refused:  # a quota, a plan, a code that was used meanwhile: whoever made the code sees it
        _log.info("whatsapp_link_refused", link_id=str(link.id), code=refused.code)
