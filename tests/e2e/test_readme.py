"""The README's commands work as printed: only the address and the key are filled in."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from tests.support.farm import a_farm

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"```sh\n(U=http.*?)```", re.DOTALL)


async def test_the_readmes_commands_show_an_incident_open_and_resolve(dsn: str, tmp_path: Path) -> None:
    printed = BLOCK.search((ROOT / "README.md").read_text())
    assert printed is not None
    async with a_farm(dsn, tmp_path) as farm:
        await farm.start_control_plane()
        for region in ("ap", "eu", "us"):
            await farm.start_agent(region)
        await farm.wait_agents(3)
        script = printed[1].replace("U=http://127.0.0.1:8100", f"U={farm.url}")
        script = re.sub(r"KEY=fw_live_…[^\n]*", f"KEY={farm.home.api_key}", script)
        process = await asyncio.create_subprocess_exec(
            "bash", "-euo", "pipefail", "-c", script, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        out, err = await asyncio.wait_for(process.communicate(), 90)
    told = out.decode()
    assert process.returncode == 0, err.decode()
    assert '"verdict":"up"' in told
    assert '"state":"triggered"' in told
    assert '"state":"resolved"' in told
    assert told.count('"event":"incident.opened"') == 1
    assert told.count('"event":"incident.resolved"') == 1
