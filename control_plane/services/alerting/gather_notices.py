"""Fix which notices of a channel go singly and which are told together, and take the digests that are due.

Nothing is kept in memory: the minute is counted from rows, under the channel's lock, so any number of processes keep
one budget, and one that dies in between leaves rows that say where it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID, uuid4

from control_plane.domain.alerting.digest import plan
from control_plane.services.installation.identity import new_id
from control_plane.store import digests
from control_plane.store.digests import ChannelKey
from control_plane.store.outbox import Claimed
from control_plane.store.pool import Database

MOST_CHANNELS = 32
"""Channels that one look gathers; the next look takes the others."""


async def gather(
    database: Database, *, kinds: Sequence[str], busy: Sequence[UUID], lease: timedelta, most: int
) -> list[list[Claimed]]:
    """Fix what is due on channels of these kinds; the digests to send now, each as its members. Raises Unavailable.

    What is to go singly is left to store/outbox.claim. `most`: digests that may be taken.
    """
    if not kinds:
        return []
    async with database.app() as conn:
        wanting = await digests.channels_wanting(conn, kinds=kinds, busy=busy, most=min(most, MOST_CHANNELS))
    taken = [await _gather_channel(database, channel, lease=lease) for channel in wanting]
    return [members for members in taken if members]


async def _gather_channel(database: Database, channel: ChannelKey, *, lease: timedelta) -> list[Claimed]:
    async with database.app_transaction() as conn:
        failing = await digests.hold_channel(conn, channel)
        if failing is None:
            return []
        spent, now = await digests.spent(conn, channel, failing=failing)
        failed = await digests.failed_digests(conn, channel)
        made = plan(await digests.due_notices(conn, channel), spent, now=now, failed=failed)
        await digests.write_plan(conn, channel, made, digest_id=new_id(), failed=failed, now=now)
        return await digests.claim_digest(conn, channel, token=uuid4(), lease=lease)
