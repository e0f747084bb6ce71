"""Fixtures for every test."""

from __future__ import annotations

import pytest

pytest_plugins = ["tests.support.postgres"]


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """Name a bytes parameter by its argument and never by its content.

    Every worker collects by itself and their lists have to be the same; bytes that an archiver, a signer or a clock
    had a part in differ between them.
    """
    return argname if isinstance(val, bytes) else None
