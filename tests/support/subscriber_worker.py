"""A process that owes and tells subscribers of pages what is news, to be killed in the middle of it."""

from __future__ import annotations

import asyncio
import multiprocessing
from datetime import timedelta
from multiprocessing.context import ForkServerProcess

import msgspec

from control_plane.notify import transports
from control_plane.sealing import Sealer
from control_plane.services.pages.tell_subscribers import Teller
from control_plane.services.pages.watch_pages import owe_next_batch
from control_plane.settings import DeliverySettings
from control_plane.store.pool import Database
from tests.support.serving import SETTINGS

# One send at a time, so that a kill can interrupt at most one.
WHOLE = msgspec.structs.replace(SETTINGS, delivery=DeliverySettings(allow_cidrs=("127.0.0.0/8",), timeout_s=2))
BATCH = 7


def start_worker(dsn: str, *, lease_s: float) -> ForkServerProcess:
    """A running worker, which goes on until it is killed."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.support.subscriber_worker"])
    process = context.Process(target=_main, args=(dsn, lease_s), daemon=True)
    process.start()
    return process


def _main(dsn: str, lease_s: float) -> None:
    asyncio.run(_work(dsn, lease_s))


async def _work(dsn: str, lease_s: float) -> None:
    database = await Database.connect(dsn, max_size=2)
    teller = Teller(
        database,
        settings=WHOLE,
        sealer=Sealer.from_setting(WHOLE.security.sealing_keys),
        transports=transports(WHOLE),
        jitter=lambda: 0.0,
        lease=timedelta(seconds=lease_s),
        at_once=1,
    )
    while True:
        await owe_next_batch(database, limit=BATCH)
        await teller.tell()
        await asyncio.sleep(0.02)
