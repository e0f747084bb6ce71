"""The migrated schema as one reviewable file, sql/schema.sql.

`python -m tests.support.schema` writes it anew, on a server of its own. tests/contract/test_sql.py compares.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import tempfile
from pathlib import Path

from control_plane.postgres import PostgresServer
from control_plane.postgres_binaries import embedded_programs
from control_plane.postgres_cluster import clean_environment
from control_plane.store.migrate import migrate, sql_directory

_HEADER = """\
-- Generated from sql/migrations: read it, review its diff, never edit or run it.
-- Anew: python -m tests.support.schema
"""
_NOISE = re.compile(r"^(--.*|SET .*|SELECT pg_catalog\.set_config.*|\\(un)?restrict .*|)$")
_BOOKKEEPING = re.compile(r"\b(_yoyo_\w+|results_\d{8}\w*)\b")


def dump(dsn: str) -> str:
    """The schema in one stable form, less yoyo's tables and the daily partitions."""
    command: list[str | Path] = [
        embedded_programs().directory / "pg_dump",
        "--schema-only",
        "--no-owner",
        "--no-comments",
        f"--dbname={dsn}",
    ]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=clean_environment())
    return _HEADER + "".join(f"\n{statement}\n" for statement in _statements(done.stdout))


def schema_file() -> Path:
    return sql_directory() / "schema.sql"


def _statements(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if not _NOISE.match(line)]
    statements = re.split(r"(?<=;)\n", "\n".join(lines))
    return [statement for statement in statements if not _BOOKKEEPING.search(statement)]


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="fw-schema-", dir="/tmp") as directory:
        Path(directory).chmod(0o755)
        server = PostgresServer(Path(directory) / "pg", durable=False)
        server.start()
        try:
            asyncio.run(migrate(server.dsn()))
            schema_file().write_text(dump(server.dsn()), encoding="utf-8")
        finally:
            server.stop()


if __name__ == "__main__":
    main()
