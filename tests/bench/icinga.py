"""The peer for a whole system: Icinga 2 with check_http of the monitoring plugins, results written to a file."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.cpu import cpu_seconds, difference
from tests.bench.nginx import Target
from tests.bench.programs import find, program
from tests.bench.rotation import Turn

ICINGA = "icinga2"
PLUGIN = Path("/usr/lib/nagios/plugins/check_http")

_CONFIGURATION = """\
include <itl>
object CheckerComponent "checker" {{ concurrent_checks = 256 }}
const MaxConcurrentChecks = 256
object CheckCommand "http" {{
    command = [ "{plugin}", "-I", "127.0.0.1", "-p", "{port}", "-u", "/health" ]
}}
object PerfdataWriter "results" {{
    host_perfdata_path = "{directory}/host-perfdata"
    service_perfdata_path = "{directory}/service-perfdata"
    host_temp_path = "{directory}/host-perfdata.tmp"
    service_temp_path = "{directory}/service-perfdata.tmp"
    host_format_template = "$host.name$ $host.state$ $host.perfdata$"
    rotation_interval = 1h
}}
for (n in range({hosts})) {{
    object Host "site-" + n {{
        check_command = "http"
        check_interval = {interval}s
        retry_interval = {interval}s
        max_check_attempts = 2
    }}
}}
"""


@dataclass(frozen=True, slots=True)
class Icinga:
    """A running Icinga. Every check leaves a line `NAME STATE …` in a file; state 0 is up."""

    pid: int
    results: Path

    async def turn(self, *, warm_s: float, window_s: float) -> Turn:
        await asyncio.sleep(warm_s)
        first, before = len(self._lines()), cpu_seconds({ICINGA: self.pid})
        await asyncio.sleep(window_s)
        used = difference(before, cpu_seconds({ICINGA: self.pid}))
        lines = self._lines()[first:]
        wrong = sum(line.split(" ")[1] != "UP" for line in lines)
        return Turn(used, len(lines), wrong, extra={"rate": len(lines) / window_s})

    def _lines(self) -> list[str]:
        text = self.results.read_text() if self.results.exists() else ""
        return text[: text.rfind("\n") + 1].splitlines()


def is_here() -> bool:
    return find(ICINGA) is not None and PLUGIN.exists()


@asynccontextmanager
async def icinga(directory: Path, site: Target, *, hosts: int, interval_s: int) -> AsyncIterator[Icinga]:
    """Icinga alone, with its data below `directory`."""
    found = find(ICINGA)
    assert found is not None
    directory.mkdir()  # noqa: ASYNC240 - nothing else runs yet
    configuration = directory / "icinga2.conf"
    configuration.write_text(
        _CONFIGURATION.format(plugin=PLUGIN, port=site.port, directory=directory, hosts=hosts, interval=interval_s)
    )
    for name in ("run", "data", "log", "cache", "spool"):
        (directory / name).mkdir()
    user = pwd.getpwuid(os.geteuid()).pw_name
    defines = {
        "RunAsUser": user,
        "RunAsGroup": user,
        "InitRunDir": directory / "run",
        "DataDir": directory / "data",
        "LogDir": directory / "log",
        "CacheDir": directory / "cache",
        "SpoolDir": directory / "spool",
    }
    options = [f"-D{name}={value}" for name, value in defines.items()]
    log = directory / "icinga2.log"
    async with program(found, "daemon", "-c", configuration, "-x", "critical", *options, log=log) as process:
        async with asyncio.timeout(60):
            while not _has_begun(directory):  # noqa: ASYNC110 - it is another process
                await asyncio.sleep(0.1)
        yield Icinga(process.pid, directory / "host-perfdata.tmp")
    shutil.rmtree(directory)


def _has_begun(directory: Path) -> bool:
    written = directory / "host-perfdata.tmp"
    return written.exists() and written.stat().st_size > 0
