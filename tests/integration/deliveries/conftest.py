"""Fixtures of the outbox."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from control_plane.store.pool import Database
from tests.support.outbox import Outbox
from tests.support.receiver import Receiver, a_receiver


@pytest.fixture
async def outbox(database: Database) -> Outbox:
    return await Outbox.make(database)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with a_receiver() as running:
        yield running
