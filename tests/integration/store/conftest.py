"""The store runs on every PostgreSQL that we promise: the embedded one, and the oldest where this machine has it."""

from __future__ import annotations

import pytest

from control_plane.postgres_binaries import MAJOR
from tests.support.postgres import OLDEST


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "postgres" in metafunc.fixturenames:
        versions = [MAJOR, OLDEST.major] if OLDEST.directory.exists() else [MAJOR]
        metafunc.parametrize("postgres", versions, indirect=True, ids=[f"postgres{version}" for version in versions])
