"""The machine that figures were taken on."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from control_plane.postgres_binaries import embedded_programs


def describe() -> str:
    """Markdown lines: what somebody needs to compare with their own machine."""
    one_minute = os.getloadavg()[0]
    return "\n".join(
        (
            (
                f"- {datetime.now(UTC):%Y-%m-%d}, {_processor()}, {os.cpu_count()} cores, {_memory_gib():.0f} GiB,"
                f" {platform.system()} {platform.release()}"
            ),
            (
                f"- CPython {platform.python_version()}, uvloop {version('uvloop')},"
                f" embedded PostgreSQL {embedded_programs().major}"
            ),
            f"- load average at the start {one_minute:.2f}",
        )
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
