"""Links by which a channel is connected, as pages show them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from control_plane.dashboard.alerting.channel_fields import title_of
from control_plane.dashboard.words import Moment, moment
from control_plane.store.channel_links import ChannelLink

_STATES = {"pending": "Open", "consumed": "Used", "expired": "Over"}


class LinkRow(Struct, frozen=True, kw_only=True):
    """A delegation link, without its address."""

    id: UUID
    word: str
    open: bool
    name: str
    kind: str
    by: str
    expires: Moment
    channel_id: UUID | None


def link_rows(links: Sequence[ChannelLink], *, now: datetime) -> list[LinkRow]:
    return [
        LinkRow(
            id=each.id,
            word=_STATES[each.state],
            open=each.state == "pending",
            name=each.name or "",
            kind=title_of(each.kind) if each.kind else "Any kind",
            by=each.created_by or "",
            expires=moment(each.expires_at, now),
            channel_id=each.channel_id,
        )
        for each in links
    ]
