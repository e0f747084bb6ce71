"""The floor of figures without a simpler contestant: fixed computing, whose cost tells how quiet the machine is.

What shares the machine changes how much CPU time the very same instructions take: caches, clock, hyper-threads.
"""

from __future__ import annotations

import time
from uuid import UUID

import msgspec

from shared.protocol import ResultBatch
from shared.results import CheckResult, Outcome
from tests.bench.rotation import Turn

MACHINE = "this machine"
_DECODINGS = 3_000
_MONITORS = 500


def fixed_turn() -> Turn:
    """Decode one batch of results again and again; the count is items."""
    items = tuple(CheckResult(UUID(int=n), 1, n, Outcome.UP, total=1.5) for n in range(_MONITORS))
    encoded = msgspec.json.encode(ResultBatch(0, items))
    decoder = msgspec.json.Decoder(ResultBatch)
    began = time.process_time()
    for _ in range(_DECODINGS):
        decoder.decode(encoded)
    used = time.process_time() - began
    return Turn({MACHINE: used}, _DECODINGS * _MONITORS)
