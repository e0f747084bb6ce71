"""A worker in a process of its own, to be killed in the middle of its work."""

from __future__ import annotations

import asyncio
import multiprocessing
from multiprocessing.context import ForkServerProcess

from control_plane.settings import DeliverySettings
from control_plane.store.pool import Database
from tests.support.outbox import deliverer, look_soon

# One send at a time, so that a kill can interrupt at most one.
SETTINGS = DeliverySettings(allow_cidrs=("127.0.0.0/8",), timeout_s=2, workers=1)


def start_worker(dsn: str, *, lease_s: float) -> ForkServerProcess:
    """A running worker. Forked from a server that has imported everything, so that starting one takes no time."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.support.delivery_worker"])
    process = context.Process(target=_main, args=(dsn, lease_s), daemon=True)
    process.start()
    return process


def _main(dsn: str, lease_s: float) -> None:
    asyncio.run(_work(dsn, lease_s))


async def _work(dsn: str, lease_s: float) -> None:
    database = await Database.connect(dsn, max_size=2)
    await deliverer(database, settings=SETTINGS, lease_s=lease_s).run(look_soon)
