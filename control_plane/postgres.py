"""The embedded PostgreSQL: one server process under our supervision, on a private socket, gone when we are gone."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import subprocess
import time
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import structlog

from control_plane.death_signal import die_with
from control_plane.errors import StartupRefused, Unavailable
from control_plane.postgres_binaries import Programs, account, embedded_programs
from control_plane.postgres_cluster import DATABASE, LOGIN, Cluster, clean_environment
from shared.backoff import exponential

_log = structlog.get_logger(__name__)
_POLL_S = 0.02
_WATCH_S = 0.2
_READY_WITHIN_S = 120.0  # crash recovery replays up to max_wal_size
_STOP_WITHIN_S = 30.0
_STABLE_AFTER_S = 60.0


class PostgresServer:
    """One server process on one data directory. Every method blocks; EmbeddedPostgres is the asynchronous face.

    Start it from a thread that lives as long as the server shall: on Linux the kernel ends the server when the thread
    that started it ends (prctl(2), PR_SET_PDEATHSIG), which is how it goes when this process is killed.
    """

    def __init__(self, directory: Path, *, durable: bool = True, programs: Programs | None = None) -> None:
        """`programs` other than the embedded ones are for tests."""
        self._cluster = Cluster(
            directory=directory.absolute(),
            programs=programs or embedded_programs(),
            account=account(),
            durable=durable,
        )
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: int | None = None

    def dsn(self, *, database: str = DATABASE, user: str = LOGIN) -> str:
        return f"postgresql://{user}@/{database}?host={quote(str(self._cluster.run), safe='')}"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Ready to serve on return. Raises StartupRefused with the remedy, Unavailable when it does not come up."""
        self.prepare()
        self.launch()
        self.wait_ready()

    def prepare(self) -> None:
        """Make the data directory when missing, and claim it. Raises StartupRefused with the remedy."""
        self._cluster.make_directories()
        self._take_lock()
        self._cluster.prepare()

    def launch(self) -> None:
        """Start the process. Raises StartupRefused when another server runs on the data directory."""
        self._remove_stale_pid_file()
        with os.fdopen(self._cluster.open_log(), "ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [self._cluster.programs.directory / "postgres", "-D", self._cluster.data],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self._cluster.data, env=clean_environment(),
                start_new_session=True,  # Ctrl-C in a terminal is ours to handle: the server stops last
                preexec_fn=die_with(os.getpid(), signal.SIGINT),  # noqa: PLW1509 - two system calls, no lock is taken
                **self._cluster.account.process_options(),
            )  # fmt: skip

    def is_ready(self) -> bool:
        """Raises Unavailable when the process has ended instead."""
        if not self.is_running():
            raise Unavailable(f"PostgreSQL did not start. See {self._cluster.log}.")
        lines = _lines(self._cluster.data / "postmaster.pid")
        return len(lines) >= 8 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def wait_ready(self) -> None:
        patience = time.monotonic() + _READY_WITHIN_S
        while not self.is_ready():
            if time.monotonic() > patience:
                raise Unavailable(f"PostgreSQL is not ready after {_READY_WITHIN_S:.0f} s. See {self._cluster.log}.")
            time.sleep(_POLL_S)

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """A clean stop: sessions are cut off, everything is on disk. Harder means follow when it does not end."""
        process, self._process = self._process, None
        if process is not None:
            _end(process)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _take_lock(self) -> None:
        self._lock = os.open(self._cluster.directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            self._lock = None
            raise StartupRefused(
                f"Another Farwatch is using {self._cluster.directory}. Stop it, or choose another data directory."
            ) from None

    def _remove_stale_pid_file(self) -> None:
        """A killed server leaves its pid behind, and another program may have got that number since."""
        path = self._cluster.data / "postmaster.pid"
        lines = _lines(path)
        if not lines or not lines[0].isdigit():
            return
        if _serves(int(lines[0]), self._cluster.data):
            raise StartupRefused(
                f"A PostgreSQL server (process {lines[0]}) is running on {self._cluster.data} already."
                " Stop it, or choose another data directory."
            )
        path.unlink(missing_ok=True)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def _serves(pid: int, data: Path) -> bool:
    """Whether the process is a server on this data directory: a postmaster's working directory is its data."""
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == data.resolve()
    except OSError:
        if Path("/proc/self").exists():
            return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _end(process: subprocess.Popen[bytes]) -> None:
    for sign in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        if process.poll() is not None:
            return
        process.send_signal(sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_WITHIN_S)


class EmbeddedPostgres:
    """The embedded server of this process, started again by itself whenever it ends unasked."""

    def __init__(self, directory: Path, *, durable: bool = True) -> None:
        """`directory` gets data/, run/ (the socket) and postgres.log.

        `durable=False` is for tests: a crash of the machine loses data.
        """
        self._directory = directory
        self._durable = durable
        self._server: PostgresServer | None = None
        self._watch: asyncio.Task[None] | None = None

    @property
    def dsn(self) -> str:
        """Of the login that owns the database. Known after `start`."""
        return self._started.dsn()

    @property
    def pid(self) -> int | None:
        """Of the server process; it changes when the server had to be started again."""
        return self._started.pid

    async def start(self) -> str:
        """Serve, and return the DSN. Raises StartupRefused with the remedy, Unavailable when it does not come up.

        Call it on the main thread, whose end is the server's too. On a fresh directory it blocks for about 0.5 s.
        """
        self._server = PostgresServer(self._directory, durable=self._durable)
        try:
            self._server.prepare()
            self._server.launch()
            await self._wait_ready()
        except BaseException:
            self._server.stop()
            raise
        self._watch = asyncio.create_task(self._keep_running(), name="embedded-postgres")
        return self.dsn

    async def run(self) -> None:
        """Until cancelled: start, keep running, stop cleanly."""
        await self.start()
        try:
            await asyncio.Event().wait()
        finally:
            await self.stop()

    async def stop(self) -> None:
        """A clean stop: sessions are cut off, everything is on disk. May be called twice."""
        if self._watch is not None:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
            self._watch = None
        if self._server is not None:
            await asyncio.to_thread(self._server.stop)

    @property
    def _started(self) -> PostgresServer:
        if self._server is None:
            raise RuntimeError("EmbeddedPostgres was not started.")
        return self._server

    async def _wait_ready(self) -> None:
        async with asyncio.timeout(_READY_WITHIN_S):
            while not self._started.is_ready():  # noqa: ASYNC110 - it is another process
                await asyncio.sleep(_POLL_S)

    async def _keep_running(self) -> None:
        """PostgreSQL itself replaces a killed session's process; this is for the server as a whole."""
        attempt = 0
        while True:
            began = time.monotonic()
            while self._started.is_running():  # noqa: ASYNC110 - it is another process
                await asyncio.sleep(_WATCH_S)
            attempt = 1 if time.monotonic() - began > _STABLE_AFTER_S else attempt + 1
            _log.error("postgres_ended", attempt=attempt)
            await asyncio.sleep(_pause_s(attempt))
            try:
                self._started.launch()
                await self._wait_ready()
            except (Unavailable, StartupRefused, OSError, TimeoutError) as error:
                _log.error("postgres_not_started", error=str(error), attempt=attempt)


def _pause_s(attempt: int) -> float:
    """None at first: the sessions of a killed server end within milliseconds, and a wait follows if they have not."""
    if attempt == 1:
        return 0.1
    return exponential(
        attempt=attempt, base=timedelta(milliseconds=100), cap=timedelta(seconds=10), jitter=0
    ).total_seconds()
