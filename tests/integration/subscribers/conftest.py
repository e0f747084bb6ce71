"""A page that may be subscribed to."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from control_plane.store.pool import Database
from tests.support.subscribers import SubscriberStage, a_subscriber_stage


@pytest.fixture
async def stage(database: Database) -> AsyncIterator[SubscriberStage]:
    async with a_subscriber_stage(database) as made:
        yield made
