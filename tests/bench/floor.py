"""The C floor of a plain HTTP check, compiled here where there is a compiler."""

from __future__ import annotations

from pathlib import Path

from tests.bench.nginx import ADDRESSES
from tests.bench.programs import find, output_of
from tests.bench.rotation import Turn

_SOURCE = Path(__file__).with_name("floor.c")
FLOOR = "floor"


async def compiled(directory: Path) -> Path | None:
    """None when there is no C compiler."""
    compiler = find("gcc") or find("cc")
    if compiler is None:
        return None
    binary = directory / "floor"
    await output_of(compiler, "-O2", "-o", binary, _SOURCE)
    return binary


async def floor_turn(binary: Path, port: int, *, path: str, window_s: float, concurrency: int, rate: int) -> Turn:
    told = await output_of(binary, str(port), path, str(window_s), str(concurrency), str(rate), str(len(ADDRESSES)))
    count, wrong, seconds = int(told[0]), int(told[1]), float(told[2])
    return Turn({FLOOR: seconds}, count, wrong, extra={"rate": count / window_s})
