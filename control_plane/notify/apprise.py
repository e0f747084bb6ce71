"""Apprise: over a hundred services by one library (https://github.com/caronc/apprise), where the operator wants it.

The library sends in a process of its own (notify/apprise_child.py), two at a time. It says whether a service took the
message, not what HTTP said: so all is tried again but a URL that is none, and an address that may not be reached.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import re
import sys
from pathlib import Path
from typing import ClassVar
from weakref import WeakKeyDictionary

import msgspec

from control_plane.domain.channels import apprise_rules, channel_rules
from control_plane.notify.apprise_child import Outcome, Task
from control_plane.notify.excerpt import excerpt
from control_plane.notify.tools import Tools
from control_plane.notify.transport import Configuration, Message, Parts, Sent, Transport
from control_plane.notify.transport_error import TransportError
from control_plane.settings import Settings

AT_ONCE = 2
"""Processes at a time: starting one takes most of a second of a core."""

ROOT = Path(__file__).parents[2]
COMMAND = (
    sys.executable,
    "-I",
    "-c",
    "import sys; sys.path.insert(0, sys.argv[1]); from control_plane.notify.apprise_child import main; main()",
    str(ROOT),
)
ENVIRONMENT = {"PATH": os.defpath, "LANG": "C.UTF-8", "HOME": "/nonexistent"}

TONES = {"alarm": "failure", "note": "warning", "relief": "success"}

_ADDRESS = re.compile(r"[0-9.]+|\[[0-9A-Fa-f:.]+\]")

_GATES: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


class Apprise(Configuration, frozen=True, tag="apprise"):
    """An Apprise URL, credentials included."""

    url: str


class AppriseTransport(Transport[Apprise]):
    """Sends through Apprise, in processes of its own."""

    configuration: ClassVar[type[Apprise]] = Apprise
    digests: ClassVar[bool] = True

    def __init__(self, tools: Tools) -> None:
        self._policy = tools.http.policy
        self._timeout = tools.http.timeout

    @staticmethod
    def is_set_up(settings: Settings) -> bool:
        """Where the operator has turned it on, and the library is there."""
        return settings.delivery.apprise and importlib.util.find_spec("apprise") is not None

    def prepared(self, config: Apprise, *, entropy: bytes) -> Apprise:  # noqa: ARG002  # no secret of ours
        """A URL that no release would refuse. Raises BadRequest: INVALID_CHANNEL_CONFIG or SSRF_BLOCKED."""
        apprise_rules.read_schema(config.url, self._policy)
        return config

    def parts(self, config: Apprise) -> Parts:
        """The URL is sealed whole: any part of it may be a token."""
        shown = {"type": "apprise", "url": channel_rules.MASK}
        return Parts(shown=shown, secrets={"url": config.url}, host=apprise_rules.destination(config.url))

    async def send(self, config: Apprise, message: Message) -> Sent:
        """One message. Raises TransportError."""
        words = message.words
        task = {
            "url": config.url,
            "title": words.title,
            "body": words.text if words.url is None else f"{words.text}\n{words.url}",
            "tone": "info" if words.phase == "test" else TONES[words.tone],
            "allow_cidrs": tuple(map(str, self._policy.allow_cidrs)),
            "parent": os.getpid(),
        }
        try:
            async with asyncio.timeout(self._timeout.total_seconds()):
                outcome = await _in_turn(msgspec.convert(task, Task))
        except TimeoutError:
            raise TransportError(
                f"Apprise had not sent it within {self._timeout.total_seconds():g} s, the wait for its turn included"
            ) from None
        return _judged(outcome, config)


async def _in_turn(task: Task) -> Outcome:
    async with _GATES.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(AT_ONCE)):
        return await _in_a_child(task)


async def _in_a_child(task: Task) -> Outcome:
    """What the child says; it is ended when nobody waits for that any more."""
    pipe, null = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    child = await asyncio.create_subprocess_exec(
        *COMMAND, stdin=pipe, stdout=pipe, stderr=null, env=ENVIRONMENT, cwd="/"
    )
    try:
        said, _ = await child.communicate(msgspec.json.encode(task))
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    try:
        return msgspec.json.decode(said, type=Outcome)
    except msgspec.MsgspecError:
        raise TransportError("Apprise ended without an answer: it may have used too much memory or time") from None


def _judged(outcome: Outcome, config: Apprise) -> Sent:
    said = excerpt(outcome.said.encode(), secrets=_pieces(config.url)) or ""
    match outcome.ended:
        case "sent":
            return Sent()
        case "refused":
            raise TransportError(outcome.said, permanent=True)  # of the URL it names the service alone
        case "blocked":
            raise TransportError(f"It may not be reached: {said}", permanent=True)
        case _:
            raise TransportError("Apprise: the service did not take it", response=said or None)


def _pieces(url: str) -> list[str]:
    """Whatever in an Apprise URL may be a token: all of it but the schema, and an address."""
    rest = url.partition("://")[2]
    pieces = [rest, *re.split(r"[/:@?&=,]+", rest)]
    return [piece for piece in pieces if len(piece) > 3 and not _ADDRESS.fullmatch(piece)]
