"""A data directory of the embedded PostgreSQL: made whole or not at all, checked and configured before each start."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from control_plane.errors import StartupRefused
from control_plane.postgres_binaries import Account, Programs

DATABASE = "farwatch"
LOGIN = "farwatch"
SUPERUSER = "postgres"
_LOG_LIMIT = 10_000_000
_SOCKET_NAME = ".s.PGSQL.5432"
_SOCKET_PATH_LIMIT = 107  # sun_path of sockaddr_un on Linux, less the closing zero
_INITDB = ("--username", SUPERUSER, "--auth", "peer", "--encoding", "UTF8", "--locale", "C", "--no-sync")
# Sorts by code point on every machine alike, and knows upper and lower case.
_BUILTIN_LOCALE = ("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8")

# The login owns its database and may make the two roles of sql/roles.sql; it is no superuser.
_BOOTSTRAP = f"CREATE ROLE {LOGIN} LOGIN CREATEROLE;\nCREATE DATABASE {DATABASE} OWNER {LOGIN};\n"

_CONFIGURATION = """\
# Written by Farwatch on every start. Your own settings belong into local.conf beside this file.
listen_addresses = ''
unix_socket_directories = '{socket}'
unix_socket_permissions = 0700
max_connections = 100
shared_buffers = 128MB
max_wal_size = 1GB
checkpoint_timeout = 15min
wal_compression = on
log_timezone = 'UTC'
timezone = 'UTC'
log_line_prefix = '%m [%p] '
log_min_messages = warning
{durability}
include_if_exists 'local.conf'
"""
_NOT_DURABLE = "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\nautovacuum_naptime = 1h"


@dataclass(frozen=True, slots=True)
class Cluster:
    """The directories of one embedded server: `data` and `run` (its socket) below `directory`, both 0700."""

    directory: Path
    programs: Programs
    account: Account
    durable: bool = True

    @property
    def data(self) -> Path:
        return self.directory / "data"

    @property
    def run(self) -> Path:
        return self.directory / "run"

    @property
    def log(self) -> Path:
        return self.directory / "postgres.log"

    def prepare(self) -> None:
        """Make what is missing and write the configuration. Raises StartupRefused with the remedy."""
        if self.data.exists():
            self._check_version()
            self._check_owner()
        else:
            self._initialise()
        self._configure()

    def make_directories(self) -> None:
        """Raises StartupRefused when the server's user could not work there."""
        socket = self.run / _SOCKET_NAME
        if len(os.fsencode(socket)) > _SOCKET_PATH_LIMIT:
            raise StartupRefused(f"{socket} is too long for a socket: choose a data directory with a shorter path.")
        made = not self.directory.exists()
        try:
            # For another user the way in must be open; what matters below it is 0700 and theirs.
            self.directory.mkdir(mode=0o711 if self.account.switch else 0o700, parents=True, exist_ok=True)
            self._make_private(self.run)
        except OSError as error:
            raise StartupRefused(f"The data directory cannot be made: {error}. Choose another.") from error
        if self._reaches_directory():
            return
        if made:
            shutil.rmtree(self.directory, ignore_errors=True)
        raise StartupRefused(
            f"PostgreSQL runs as user {self.account.name}, who cannot reach {self.directory}."
            " Choose a data directory outside of a private home, such as /var/lib/farwatch,"
            " or start Farwatch as the user who owns this one."
        )

    def _make_private(self, path: Path) -> None:
        path.mkdir(mode=0o700, exist_ok=True)
        self._hand_over(path)

    def _hand_over(self, path: Path) -> None:
        if self.account.switch:
            os.chown(path, self.account.uid, self.account.gid)

    def _reaches_directory(self) -> bool:
        probe = ["/bin/sh", "-c", 'cd -- "$1" && test -w run', "sh", str(self.directory)]
        options = self.account.process_options()
        done = subprocess.run(probe, check=False, capture_output=True, cwd="/", **options)  # noqa: S603 - no input
        return done.returncode == 0

    def _check_owner(self) -> None:
        owner = self.data.stat().st_uid
        if owner != self.account.uid:
            raise StartupRefused(
                f"{self.data} belongs to the user of number {owner}, and PostgreSQL would run as {self.account.name}."
                f" Start Farwatch as that user, or give the data away: `chown -R {self.account.name} {self.data}`."
            )

    def _check_version(self) -> None:
        try:
            found = (self.data / "PG_VERSION").read_text(encoding="ascii").strip()
        except OSError as error:
            raise StartupRefused(f"{self.data} is no PostgreSQL data directory: {error}. Choose another.") from error
        if found != str(self.programs.major):
            raise StartupRefused(
                f"{self.data} belongs to PostgreSQL {found}, and this Farwatch brings {self.programs.major}."
                f" Dump it with PostgreSQL {found} (`pg_dump`) and restore it into a new directory,"
                f" or run PostgreSQL {found} yourself and set FARWATCH_DATABASE__DSN."
            )

    def _initialise(self) -> None:
        """Made beside its place and renamed when whole: a process killed here leaves nothing that looks finished."""
        making = self.directory / "data.new"
        shutil.rmtree(making, ignore_errors=True)
        self._make_private(making)
        self._run("initdb", "--pgdata", making, *_INITDB, *(_BUILTIN_LOCALE if self.programs.major >= 17 else ()))
        self._run("postgres", "--single", "-D", making, "-c", "fsync=off", "postgres", given=_BOOTSTRAP)
        if self.durable:
            self._run("initdb", "--pgdata", making, "--sync-only")
        making.rename(self.data)

    def open_log(self) -> int:
        """A descriptor to append to postgres.log; the one before is kept when it has grown over 10 MB."""
        if self.log.exists() and self.log.stat().st_size > _LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.1"))
        return os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def _configure(self) -> None:
        present = pwd.getpwuid(os.geteuid()).pw_name
        users = sorted({present, self.account.name})
        durability = "" if self.durable else _NOT_DURABLE
        self._write("postgresql.conf", _CONFIGURATION.format(socket=self.run, durability=durability))
        self._write("pg_hba.conf", "local all all peer map=farwatch\n")
        self._write(
            "pg_ident.conf", "".join(f"farwatch {user} {role}\n" for user in users for role in (SUPERUSER, LOGIN))
        )

    def _write(self, name: str, text: str) -> None:
        path = self.data / name
        path.write_text(text, encoding="utf-8")
        self._hand_over(path)

    def _run(self, program: str, *arguments: str | Path, given: str = "") -> None:
        command = [self.programs.directory / program, *arguments]
        done = subprocess.run(  # noqa: S603 - our own program
            command, input=given, capture_output=True, text=True, check=False, cwd=self.directory,
            env=clean_environment(), **self.account.process_options(),
        )  # fmt: skip
        if done.returncode != 0:
            raise StartupRefused(f"PostgreSQL could not be set up in {self.directory}: {done.stderr.strip()}")


def clean_environment() -> dict[str, str]:
    """PG* variables and the locale of whoever starts us must not steer our server."""
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"}
