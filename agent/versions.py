"""Which Farwatch this is."""

from __future__ import annotations

import functools
from importlib.metadata import PackageNotFoundError, version


@functools.cache
def agent_version() -> str:
    try:
        return version("farwatch")
    except PackageNotFoundError:
        return "0"
