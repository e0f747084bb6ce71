"""Which kinds of check are asked about again at once when a region contradicts its vote."""

from __future__ import annotations

from typing import Any

import pytest

from control_plane.store.pool import Database
from shared.checks import CHECKS
from tests.support.deciding import Stage

CHECK: dict[str, dict[str, Any]] = {
    "http": {"url": "https://a.example.com/"},
    "tcp": {"host": "a.example.com", "port": 22},
    "dns": {"name": "a.example.com"},
    "ping": {"host": "a.example.com"},
    "tls_cert": {"host": "a.example.com"},
    "domain_expiry": {"domain": "example.com"},
}


def test_every_kind_is_judged_here() -> None:
    assert set(CHECK) == set(CHECKS)


@pytest.mark.parametrize("kind", sorted(CHECK))
async def test_every_kind_but_domain_expiry_is_confirmed_fast(database: Database, kind: str) -> None:
    check = {"type": kind, "timeout": 10_000, **CHECK[kind]}
    stage = await Stage.make(database, regions=("ap", "eu", "us"), kind=kind, check=check)
    await stage.all_up()
    assert await stage.rechecks() == []

    await stage.report("eu", "down", at=5)

    asked = {row["slug"] for row in await stage.rechecks()}
    assert asked == (set() if kind == "domain_expiry" else {"ap", "eu", "us"})
