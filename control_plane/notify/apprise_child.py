"""The process in which Apprise sends one message: a task on standard input, what became of it on standard output.

Apprise speaks to its services by itself, so it runs where nothing is to be had: no environment, no file to write, no
program to start, bounded memory and time, and every address judged before a packet leaves (notify/process_guard.py).
"""

from __future__ import annotations

import importlib
import logging
import os
import resource
import signal
import ssl
import sys
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from control_plane.death_signal import die_with
from control_plane.notify.process_guard import ProcessGuard
from shared.netpolicy import Policy

MEMORY = 512 * 1024 * 1024
"""Bytes of address space: Apprise with all its services takes about a third."""

CPU_S = 20
FILES = 64
SAID_LIMIT = 1000
"""Characters of what Apprise logged that are told."""

TASK_LIMIT = 1 << 20
"""Bytes of a task."""

MAIL = "apprise.plugins.email"


class Task(Struct, frozen=True, kw_only=True):
    """One message. `parent`: the process that waits for the answer, with which this one ends."""

    url: str
    title: str
    body: str
    tone: Literal["info", "success", "warning", "failure"]
    allow_cidrs: tuple[str, ...]
    parent: int


class Outcome(Struct, frozen=True, kw_only=True):
    """What became of it. `refused`: the URL is no service that may be used; `blocked`: an address that may not be."""

    ended: Literal["sent", "failed", "refused", "blocked"]
    said: str = ""


class UnsuitableError(Exception):
    """The URL names no service that may be used here."""


class _Said(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def main() -> None:
    """Do one task and end."""
    task = msgspec.json.decode(sys.stdin.buffer.read(TASK_LIMIT), type=Task)
    answer = os.dup(1)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)  # whatever a library prints is no answer
    _confine(task.parent)
    outcome = _done(task)
    os.write(answer, msgspec.json.encode(outcome))
    os._exit(0)


def _confine(parent: int) -> None:
    for which, limit in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_NOFILE, FILES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(which, (limit, limit))
    end_with_parent = die_with(parent, signal.SIGKILL)
    if end_with_parent is not None:
        end_with_parent()


def _done(task: Task) -> Outcome:
    said = _Said()
    logging.getLogger("apprise").addHandler(said)
    guard = ProcessGuard(Policy.of(task.allow_cidrs), readable=_readable())
    try:
        sent = _sent(task, guard)
    except UnsuitableError as unsuitable:
        return Outcome(ended="refused", said=str(unsuitable))
    except MemoryError:
        return Outcome(ended="failed", said="The service answered with too much")
    if sent:
        return Outcome(ended="sent")
    if guard.blocked:
        return Outcome(ended="blocked", said=guard.blocked[0])
    return Outcome(ended="failed", said=" ".join(said.lines)[:SAID_LIMIT])


def _sent(task: Task, guard: ProcessGuard) -> bool:
    apprise: Any = importlib.import_module("apprise")
    services: Any = importlib.import_module("apprise.manager_plugins").NotificationManager()
    services.load_modules()
    schema = task.url.partition("://")[0].lower()
    service = services[schema] if schema in services else None  # noqa: SIM401  # it has no get
    is_mail = _require_suitable(service, schema)
    _watch_requests(guard)
    guard.arm()
    asset = apprise.AppriseAsset(async_mode=False, secure_logging=True)
    made = apprise.Apprise.instantiate(task.url, asset=asset)
    if made is None:
        raise UnsuitableError(f"Apprise cannot use this {schema}:// URL")
    made.overflow_mode = apprise.OverflowMode.TRUNCATE
    made.verify_certificate = True
    guard.mail = is_mail
    guard.secure = is_mail and str(getattr(made, "secure_mode", "insecure")) != "insecure"
    return bool(made.notify(body=task.body, title=task.title, notify_type=apprise.NotifyType(task.tone)))


def _require_suitable(service: Any, schema: str) -> bool:
    """Whether it is mail. Raises UnsuitableError unless it is a service of Apprise's own over HTTP or SMTP.

    What needs another library may speak through it past Python's sockets: MQTT, XMPP, D-Bus, a desktop's own.
    """
    if service is None:
        raise UnsuitableError(f"Apprise knows no service {schema}://")
    modules = [base.__module__ for base in service.__mro__ if base.__module__.startswith("apprise.plugins.")]
    is_mail = any(name == MAIL or name.startswith(f"{MAIL}.") for name in modules)
    over_http = any(hasattr(sys.modules[name], "requests") for name in modules)
    needs = service.requirements.get("packages_required") if service.requirements else None
    if not service.enabled or needs or not (is_mail or over_http):
        raise UnsuitableError(f"{schema}:// is not offered: only services over HTTP and SMTP are")
    return is_mail


def _watch_requests(guard: ProcessGuard) -> None:
    """Every request says whether it is encrypted, has its certificate verified, and is followed nowhere."""
    requests: Any = importlib.import_module("requests")
    send = requests.Session.send

    def watched(session: Any, request: Any, **options: Any) -> Any:
        guard.secure = str(request.url).lower().startswith("https:")
        options |= {"allow_redirects": False, "verify": options.get("verify") or True}
        return send(session, request, **options)

    requests.Session.send = watched


def _readable() -> tuple[str, ...]:
    """Where libraries and certificates are."""
    paths = ssl.get_default_verify_paths()
    places = {sys.prefix, sys.base_prefix, *(path for path in sys.path if path)}
    places |= {path for path in (paths.cafile, paths.capath, paths.openssl_cafile, paths.openssl_capath) if path}
    resolved = {str(Path(place).resolve()) for place in places}
    return tuple(sorted(place for place in places | resolved if place not in ("", "/")))


if __name__ == "__main__":
    main()
