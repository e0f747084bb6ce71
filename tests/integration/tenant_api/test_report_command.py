"""`farwatch report` against a served control plane."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import sys
from pathlib import Path

from tests.support.door import an_api_key
from tests.support.tenant_world import World


async def test_a_month_is_printed_as_a_table_and_kept_as_a_file(world: World, tmp_path: Path) -> None:
    await world.monitor()
    async with world.database.app() as conn:
        key = await an_api_key(conn, world.tenant_id, "monitors:read", number=7)
    env = {
        **os.environ,
        "FARWATCH_CLI__URL": f"http://{world.door.host}:{world.door.port}",
        "FARWATCH_CLI__KEY": key,
    }

    async def report(*words: str) -> tuple[int | None, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "control_plane", "report", *words,
            env=env, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
        return process.returncode, (out or err).decode()

    status, table = await report()
    assert status == 0
    assert "API" in table
    assert json.loads((await report("--format", "json"))[1])["monitors"][0]["name"] == "API"
    file = tmp_path / "month.csv"
    assert (await report("--format", "csv", "--tz", "Asia/Kathmandu", "--out", str(file)))[0] == 0
    assert next(csv.DictReader(file.read_text().splitlines()))["name"] == "API"
    status, words = await report("2026-13")
    assert (status, "INVALID_MONTH" in words) == (1, True)
