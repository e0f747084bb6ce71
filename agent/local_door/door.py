"""What an agent tells those on its own machine: /metrics, /healthz and, where it is wanted, /probe.

Served by threads of the standard library's server, so that neither a slow reader nor a scrape delays a check; whatever
belongs to the event loop is asked for there. It is off by default and bound to the loopback unless told otherwise.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Coroutine
from concurrent.futures import TimeoutError as LoopTimeout
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

import structlog
from msgspec import json

from agent.local_door.metrics import render_metrics
from agent.local_door.probe import ProbeDoor, Reply
from agent.local_door.status import status_of
from agent.settings import AgentSettings
from shared.settings import SettingsError

if TYPE_CHECKING:
    from agent.local_door.watched import Watched

log = structlog.get_logger()

T = TypeVar("T")

READERS = 32
"""Requests served at a time; more are turned away with 503."""

_SOCKET_S = 10.0
_LOOP_S = 2.0
"""A loop that does not answer in this time is as good as dead."""


class LocalDoor:
    """Opened and closed by the event loop's thread."""

    def __init__(self, app: Watched, settings: AgentSettings) -> None:
        self._app = app
        self._settings = settings
        self._probes = ProbeDoor(app) if settings.probe_door else None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: _Server | None = None

    def open(self) -> None:
        """Serve, if a port is set. Raises SettingsError when it cannot be bound."""
        host, port = self._settings.metrics_host, self._settings.metrics_port
        if port is None:
            return
        self._loop = asyncio.get_running_loop()
        try:
            self._server = _Server(self, host, port)
        except OSError as error:
            where = f"{host}:{port}"
            raise SettingsError(f"FARWATCH_AGENT__METRICS_PORT: {where} cannot be bound: {error.strerror}") from None
        threading.Thread(target=self._server.serve_forever, name="local-door", daemon=True).start()
        log.info("local door", host=host, port=port, probes=self._probes is not None)

    def close(self) -> None:
        server, self._server = self._server, None
        if server is not None:  # shutdown waits for the server's thread, which the loop must not
            threading.Thread(target=server.end, name="local-door-end", daemon=True).start()

    def answer(self, target: str, headers: Any) -> Reply:
        """Runs on a server thread."""
        parts = urlsplit(target)
        match parts.path:
            case "/metrics":
                return Reply(200, render_metrics(self._app), "text/plain; version=0.0.4; charset=utf-8")
            case "/healthz":
                return self._health()
            case "/probe" if self._probes is not None:
                query = dict(parse_qsl(parts.query))
                timeout = headers.get("X-Prometheus-Scrape-Timeout-Seconds")
                return self._probes.answer(query, scrape_timeout=timeout, run=self._on_loop)
            case "/probe":
                return Reply(404, b"Probing for others is off; set FARWATCH_AGENT__PROBE_DOOR=true.\n")
        return Reply(404, b"There are /metrics and /healthz.\n")

    def _health(self) -> Reply:
        async def ask() -> dict[str, Any]:
            return status_of(self._app)

        try:
            status = self._on_loop(ask(), _LOOP_S)
        except LoopTimeout:
            status = {"status": "stuck", "healthy": False, "reason": "The agent's event loop does not answer"}
        return Reply(200 if status["healthy"] else 503, json.encode(status) + b"\n", "application/json")

    def _on_loop(self, work: Coroutine[Any, Any, T], timeout: float) -> T:
        """The result of work done on the event loop. Raises TimeoutError after `timeout` seconds."""
        assert self._loop is not None
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(timeout)
        finally:
            future.cancel()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, door: LocalDoor, host: str, port: int) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.door = door
        self._places = threading.BoundedSemaphore(READERS)
        super().__init__((host.strip("[]"), port), _Handler)

    def server_bind(self) -> None:
        """Without asking DNS for this machine's name, as HTTPServer does: it takes its time, and nobody needs it."""
        TCPServer.server_bind(self)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 (as inherited)
        log.debug("a request at the local door broke off", client=str(client_address))

    def end(self) -> None:
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    timeout = _SOCKET_S
    server: _Server

    def do_GET(self) -> None:
        reply = self.server.door.answer(self.path, self.headers)
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)

    do_HEAD = do_GET  # noqa: N815 (as inherited)

    def version_string(self) -> str:
        return "farwatch-agent"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (as inherited)
        """Requests are not worth a line each."""
