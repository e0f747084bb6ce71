"""Is the simulator able to see it? Mistakes made on purpose in the verdict code, each of which its rules must catch.

python -m tests.simulation.mutants runs all of them, each in a process of its own, whose import replaces one piece of a
module's text; the files stay as they are. A mutant that survives is printed, and the command ends with 1.
"""

from __future__ import annotations

import argparse
import importlib.abc
import importlib.machinery
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import CodeType, ModuleType
from typing import NamedTuple

DOMAIN = Path(__file__).parents[2] / "control_plane" / "domain"
DAYS = 12
"""A mutant that is not caught within so many days survives."""

SURVIVED, CAUGHT = 3, 0


class Mutant(NamedTuple):
    """`old` occurs once in the module of control_plane/domain; with `new` in its place, something is wrong."""

    module: str
    old: str
    new: str

    def source(self) -> str:
        """The module's text as it is."""
        return (DOMAIN / f"{self.module.replace('.', '/')}.py").read_text()


MUTANTS: dict[str, Mutant] = {
    "a vote never expires": Mutant(
        "judging.votes",
        "return self.vote is not None and self.renewed and now_ms < self.expires_at",
        "return self.vote is not None and self.renewed",
    ),
    "an expired vote need not be earned again": Mutant(
        "judging.votes",
        "return self.vote is not None and self.renewed and now_ms < self.expires_at",
        "return self.vote is not None and now_ms < self.expires_at",
    ),
    "runs go on over an expiry": Mutant(
        "judging.votes",
        "vote = replace(vote, bad_run=0, good_run=0, degraded_run=0, renewed=vote.vote is None)",
        "vote = replace(vote, renewed=vote.vote is None)",
    ),
    "one slot too few makes a down vote": Mutant(
        "judging.votes", "proven = bad_run >= confirmations", "proven = bad_run >= max(1, confirmations - 1)"
    ),
    "one slot too many makes a down vote": Mutant(
        "judging.votes", "proven = bad_run >= confirmations", "proven = bad_run > confirmations"
    ),
    "one good slot ends a down vote": Mutant(
        "judging.votes",
        '(vote.vote == "down" and good_run >= confirmations)',
        '(vote.vote == "down" and good_run >= 1)',
    ),
    "a good slot does not end a bad run": Mutant(
        "judging.votes",
        "        bad_run=0,\n        good_run=good_run,",
        "        bad_run=vote.bad_run,\n        good_run=good_run,",
    ),
    "a bad slot does not end a good run": Mutant(
        "judging.votes",
        "        bad_run=bad_run,\n        good_run=0,",
        "        bad_run=bad_run,\n        good_run=vote.good_run,",
    ),
    "one slow slot makes a degraded vote": Mutant(
        "judging.votes", "degraded=up and degraded_run >= confirmations,", "degraded=up and degraded_run >= 1,"
    ),
    "a second slow slot is steady": Mutant(
        "judging.votes", "return DEGRADED if self.degraded_run >= confirmations else None", "return DEGRADED"
    ),
    "outages are not confirmed fast": Mutant(
        "judging.votes", 'return vote.vote != "down" or not vote.fresh(now_ms)', "return False"
    ),
    "recoveries are not confirmed fast": Mutant(
        "judging.votes", '    return vote.vote == "down"\n', "    return False\n"
    ),
    "half of the regions are a majority": Mutant(
        "judging.verdict", "return regions // 2 + 1 if regions else 0", "return max(1, regions // 2) if regions else 0"
    ),
    "all but one are all": Mutant(
        "judging.verdict",
        'case "all":\n            return regions',
        'case "all":\n            return max(1, regions - 1)',
    ),
    "count ignores its number": Mutant(
        "judging.verdict", "return min(policy.k or 1, regions)", "return min(1, regions)"
    ),
    "one fresh vote proves up": Mutant(
        "judging.verdict", "return min(r, regions - r + 1) if regions else 0", "return 1"
    ),
    "up needs as many votes as down": Mutant(
        "judging.verdict", "return min(r, regions - r + 1) if regions else 0", "return r if regions else 0"
    ),
    "remembered down votes do not stand against up": Mutant(
        "judging.verdict", "if counts.last_down < r and counts.fresh_up >= q:", "if counts.fresh_up >= q:"
    ),
    "expired votes prove an outage": Mutant(
        "judging.verdict", "if counts.fresh_down >= r:", "if counts.last_down >= r:"
    ),
    "a verdict lives without votes": Mutant(
        "judging.verdict",
        'lives = current != "unknown" and agreeing > 0 and counts.fresh_up + counts.fresh_down >= q',
        'lives = current != "unknown"',
    ),
    "a region below quorum does not degrade": Mutant(
        "judging.verdict", "degraded = by_votes or counts.fresh_down > 0", "degraded = by_votes"
    ),
    "coverage that was lost meanwhile is passed over": Mutant(
        "judging.verdict", "    return changes\n", "    return []\n"
    ),
    "unknown resolves an incident": Mutant(
        "judging.incident",
        'case "unknown":\n            return None',
        'case "unknown":\n            return Resolves() if open_incident else None',
    ),
    "an incident of type flapping resolves at once": Mutant(
        "judging.incident", "now_ms - restraint.well_since_ms >= CALM_MS", "now_ms - restraint.well_since_ms >= 0"
    ),
    "flapping takes four openings": Mutant("judging.incident", "FLAPPING_OPENINGS = 3", "FLAPPING_OPENINGS = 4"),
    "an incident began with the first region": Mutant(
        "judging.incident",
        "return firsts[min(r, len(firsts)) - 1] if firsts else now_ms",
        "return firsts[0] if firsts else now_ms",
    ),
    "silent regions accuse": Mutant(
        "judging.incident",
        "accusing = [v for v in ordered if v.vote.fresh(now_ms) and _accuses(v.vote, verdict)]",
        "accusing = [v for v in ordered if _accuses(v.vote, verdict)]",
    ),
    "holds do not hold": Mutant(
        "judging.incident", "and not restraint.hushed and not restraint.held", "and not restraint.hushed"
    ),
    "votes from under a hold count after it": Mutant(
        "judging.hold", "    if ended_ms is None:\n        return True\n    return", "    return True\n    return"
    ),
    "the end of a hold is forgotten": Mutant(
        "judging.hold",
        "return Held(None, None, None) if well else Held(None, held.by, now_ms)",
        "return Held(None, None, None)",
    ),
    "time alone does not end flapping": Mutant(
        "judging.decide", "(decision.well_since_ms or 0) + CALM_MS if calm else None,", "None,"
    ),
    "expiries are dated by the judgement": Mutant(
        "judging.decide", "at_ms = max(floor, change.at_ms)", "at_ms = now_ms"
    ),
    "a slot of another check version counts": Mutant(
        "judging.decide", "s.check_version == vote.check_version and s.slot > own.vote.newest_slot", "s.slot > 0"
    ),
    "back-off begins at once": Mutant("judging.circuit", "AFTER_MS = 600_000", "AFTER_MS = 0"),
}


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, name: str, path: str, mutant: Mutant) -> None:
        super().__init__(name, path)
        self._mutant = mutant

    def get_code(self, fullname: str) -> CodeType:
        source = Path(self.path).read_text()
        found = source.count(self._mutant.old)
        if found != 1:
            raise LookupError(f"{self.path} has {found} places for this mutant: look for {self._mutant.old!r}")
        return compile(source.replace(self._mutant.old, self._mutant.new), self.path, "exec", dont_inherit=True)


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant
        self._name = f"control_plane.domain.{mutant.module}"

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._name:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path)
        if spec is not None and spec.origin is not None:
            spec.loader = _Loader(fullname, spec.origin, self._mutant)
        return spec


def hunt(name: str, days: int) -> str | None:
    """Simulate days with this mutant in the place of the code, until a rule breaks: in words; None: it survived."""
    sys.meta_path.insert(0, _Finder(MUTANTS[name]))
    from tests.simulation.run import first_break

    for seed in range(days):
        found = first_break(seed, calm=seed % 4 == 2)
        if found is not None:
            return f"day {seed + 1}: {found}"
    return None


def hunt_aside(name: str, days: int = DAYS) -> tuple[bool, str]:
    """The same in a process of its own: whether it was caught, and what was told."""
    command = [sys.executable, "-m", "tests.simulation.mutants", "--only", name, "--days", str(days)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    if ran.returncode not in (CAUGHT, SURVIVED):
        raise RuntimeError(f"{name}: {ran.stderr}")
    return ran.returncode == CAUGHT, ran.stdout.strip()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.mutants", description=__doc__)
    parser.add_argument("--only", choices=MUTANTS, help="this one, in this process")
    parser.add_argument("--days", type=int, default=DAYS, help="after how many days it has survived")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    options = parser.parse_args()
    if options.only:
        found = hunt(options.only, options.days)
        print(found or "survived")
        return SURVIVED if found is None else CAUGHT
    with ThreadPoolExecutor(options.jobs) as pool:
        ends = list(pool.map(lambda name: hunt_aside(name, options.days), MUTANTS))
    for name, (is_caught, told) in zip(MUTANTS, ends, strict=True):
        print(f"{'caught  ' if is_caught else 'SURVIVED'}  {name}: {told[:120]}")
    return 0 if all(is_caught for is_caught, _ in ends) else 1


if __name__ == "__main__":
    sys.exit(main())
