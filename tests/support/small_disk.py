"""A file system of its own, small enough to fill. Mounting it takes root, as everything with namespaces does."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Disk:
    path: Path

    @property
    def ballast(self) -> Path:
        return self.path / "ballast"

    def fill(self, *, leave: int) -> None:
        """Until only so many bytes are left."""
        with self.ballast.open("ab", buffering=0) as file:
            with contextlib.suppress(OSError):
                while True:
                    file.write(b"x" * 4096)
            os.truncate(self.ballast, max(0, file.tell() - leave))

    def clear(self) -> None:
        self.ballast.unlink()


@contextmanager
def a_small_disk(path: Path, *, size: str) -> Iterator[Disk]:
    """`size` as tmpfs takes it."""
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "farwatch-test", str(path)], check=True)
    try:
        yield Disk(path)
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)
