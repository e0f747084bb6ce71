"""Fixtures of e-mail."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from control_plane.store.pool import Database
from tests.support.email_stage import EmailStage, an_email_stage


@pytest.fixture
async def stage(database: Database) -> AsyncIterator[EmailStage]:
    async with an_email_stage(database) as made:
        yield made
