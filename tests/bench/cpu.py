"""CPU time of process trees, from /proc (Linux): user and system seconds, children that have ended included."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Stat:
    """One process of /proc/PID/stat (proc_pid_stat(5)). `seconds` is its own time and that of children it reaped."""

    pid: int
    parent: int
    seconds: float


def parse_stat(text: str) -> Stat:
    """The name in parentheses may hold anything, parentheses too: fields are counted from the last one."""
    head, _, tail = text.rpartition(")")
    fields = tail.split()
    user, system, reaped_user, reaped_system = (int(field) for field in fields[11:15])
    ticks = user + system + reaped_user + reaped_system
    return Stat(pid=int(head.split(" ", 1)[0]), parent=int(fields[1]), seconds=ticks / _TICKS)


def tree_seconds(stats: Sequence[Stat], root: int) -> float:
    """Seconds of the process `root` and of everything below it. Raises KeyError when it is not there."""
    own = {stat.pid: stat for stat in stats}
    children: dict[int, list[int]] = defaultdict(list)
    for stat in stats:
        children[stat.parent].append(stat.pid)
    total, waiting = 0.0, [root]
    while waiting:
        pid = waiting.pop()
        total += own[pid].seconds
        waiting += children[pid]
    return total


def cpu_seconds(roots: Mapping[str, int]) -> dict[str, float]:
    """CPU seconds used so far by each named tree, by the process id of its root."""
    stats = _all_stats()
    return {name: tree_seconds(stats, pid) for name, pid in roots.items()}


def difference(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    return {name: after[name] - before[name] for name in after}


def _all_stats() -> list[Stat]:
    stats = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stats.append(parse_stat((entry / "stat").read_text(encoding="utf-8", errors="replace")))
            except (FileNotFoundError, ProcessLookupError):
                continue  # it has ended since
    return stats
