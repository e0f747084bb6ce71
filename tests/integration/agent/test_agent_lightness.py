"""The agent stays light: what it loads, what it holds, and what is installed for it."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from tests.support.fake_control_plane import KEY, FakeControlPlane
from tests.support.waiting import until

ROOT = Path(__file__).parents[3]
MEGABYTE = 1_000_000

AS_INSTALLED = "import sys; sys.modules['rich'] = None; from agent.__main__ import main; sys.argv[0] = 'x'; main()"
"""Without what only a developer's environment has, and httpx and structlog would load."""


def loaded(statement: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after a statement."""
    code = f"{statement}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}}, *sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_command_loads_none_of_the_heavy_parts_before_it_knows_what_to_do() -> None:
    heavy = {"httpx", "cryptography", "dns", "re2", "prometheus_client", "structlog", "uvloop", "orjson", "agent.app"}
    assert loaded("import agent.__main__").isdisjoint(heavy)


def test_an_agent_without_a_local_door_loads_no_server_and_no_metrics() -> None:
    assert loaded("import agent.app").isdisjoint({"prometheus_client", "http.server", "agent.local_door.door"})


async def test_an_idle_agent_holds_at_most_sixty_megabytes(tmp_path: Path) -> None:
    plane = FakeControlPlane()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("FARWATCH_")}
    async with plane.serving() as url:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", AS_INSTALLED, "run", "--state-dir", str(tmp_path)),
            cwd=ROOT,
            stderr=asyncio.subprocess.DEVNULL,
            env=clean
            | {
                "FARWATCH_AGENT__URL": url,
                "FARWATCH_AGENT__KEY": KEY,
                "FARWATCH_AGENT__RESOLVERS": "127.0.0.1:9",
            },
        )
        try:
            await until(
                lambda: plane.unchanged >= 3 and plane.observations, "it polls and finds nothing new", timeout=30
            )
            resident = resident_bytes(process.pid)
        finally:
            process.terminate()
            await asyncio.wait_for(process.wait(), 30)
    assert resident <= 60 * MEGABYTE, f"{resident / MEGABYTE:.1f} MB"


def resident_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024


def test_what_the_agent_installs_takes_at_most_sixty_megabytes() -> None:
    sizes = {name: size_of(name) for name in closure("farwatch")}
    sizes["farwatch"] = sum(tree_size(ROOT / part) for part in ("agent", "shared", "control_plane", "sql"))
    assert {"uvloop", "msgspec", "cryptography"} <= sizes.keys()
    assert sum(sizes.values()) <= 60 * MEGABYTE, sorted(sizes.items(), key=lambda item: -item[1])[:8]


def closure(name: str, seen: frozenset[str] = frozenset()) -> frozenset[str]:
    """A distribution and all that it requires without an extra, as far as it is installed here."""
    try:
        requirements = distribution(name).requires or []
    except PackageNotFoundError:  # of another platform or Python
        return seen
    seen |= {name}
    for requirement in requirements:
        required = re.match(r"[\w.-]+", requirement)
        if required is None or "extra ==" in requirement or required[0].lower() in seen:
            continue
        seen |= closure(required[0].lower(), seen)
    return seen


def size_of(name: str) -> int:
    files = distribution(name).files or []
    return sum(path.stat().st_size for path in (Path(str(file.locate())) for file in files) if path.is_file())


def tree_size(directory: Path) -> int:
    return sum(
        path.stat().st_size for path in directory.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    )
