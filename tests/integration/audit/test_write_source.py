"""By which way an object was last written: said by our own programs, stamped by the server, shown in every read."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from control_plane.store.pool import Database
from tests.support.serving import ControlPlane, control_plane


@pytest.fixture
async def plane(database: Database) -> AsyncIterator[ControlPlane]:
    async with control_plane(database) as running:
        yield running


@pytest.mark.parametrize(
    ("said", "stamped"), [(None, "api"), ("cli", "cli"), ("terraform", "terraform"), ("ui", "api"), ("root", "api")]
)
async def test_the_way_of_a_write_is_stamped(plane: ControlPlane, said: str | None, stamped: str) -> None:
    window = {"title": "Upkeep", "all": True, "starts_at": "2100-01-01T00:00:00Z", "ends_at": "2100-01-01T01:00:00Z"}
    headers = {} if said is None else {"X-Farwatch-Source": said}
    async with plane.tenant() as http:
        made = await http.post("/api/v1/maintenance", json=window | {"write_source": "ui"}, headers=headers)
        assert made.status_code == 201, made.text
        assert made.json()["write_source"] == stamped
        (entry,) = (await http.get("/api/v1/audit")).json()["items"]
    assert entry["source"] == stamped
