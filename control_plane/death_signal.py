"""Children that end with their parent, whatever ended it."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def die_with(parent: int, sign: signal.Signals) -> Callable[[], None] | None:
    """For the child, as `preexec_fn`: get `sign` when the thread that started it ends (prctl(2), PR_SET_PDEATHSIG).

    A change of user clears it, so it comes after one. Linux only: elsewhere None, and a killed parent leaves its
    children behind.
    """
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)

    def set_death_signal() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, sign, 0, 0, 0)
        if os.getppid() != parent:  # it ended in between
            os._exit(1)

    return set_death_signal
