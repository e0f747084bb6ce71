"""What every kind of channel offers: its configuration, and one way to send.

A transport says whether trying again can help, and nothing more: when to try again is domain/alerting/delivery.py's
business, recording it is services/alerting/attempt_delivery.py's. To add a kind: one file with a configuration Struct
tagged with the kind's name and a transport, one line in TRANSPORTS, two tests. Words for people come from
notify/render.py; a transport only cuts them to its vendor's limits and puts them into its vendor's form.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar
from uuid import UUID

import msgspec
from msgspec import Struct

from control_plane.domain.alerting.message_words import Words
from control_plane.settings import Settings

if TYPE_CHECKING:
    from control_plane.notify.tools import Tools

RESPONSE_LIMIT = 256
"""Bytes of a receiver's answer that are kept: enough to read an error, too little to be a way of reading a network."""


class Message(Struct, frozen=True, kw_only=True):
    """One attempt at one message: a delivery that goes singly, under its own id, or a digest of several.

    `body` is the same bytes on every attempt; `attempt` counts from 1. A digest has the bodies of its other deliveries
    in `others`, in order, and goes only to a transport that `digests`. `words` tell of all of it.

    `notice` is the first one's: opened, reminder, escalated, resolved, event, or test. `incident_id` is None where
    there is no incident, and for a digest. `receipt` is what the channel gave back (Sent.receipt) for the first message
    of that incident that it took: where a recovery belongs, and what can be edited. `unsubscribe_url`, for e-mail:
    where whoever reads it may end it.
    """

    message_id: UUID
    attempt: int
    body: bytes
    sent_at: datetime
    words: Words
    notice: str = "opened"
    incident_id: UUID | None = None
    receipt: Mapping[str, Any] | None = None
    others: tuple[bytes, ...] = ()
    unsubscribe_url: str | None = None

    @property
    def bodies(self) -> tuple[bytes, ...]:
        """All that is told."""
        return (self.body, *self.others)


class Sent(Struct, frozen=True):
    """The receiver took it.

    `receipt`: what later messages of the same incident need of this one, as JSON (a thread, a message's id); no secret.
    `amended`: settings that the receiver has told us to use from now on, such as a group's new id; none of them secret.
    """

    http_status: int | None = None
    response: str | None = None
    receipt: dict[str, Any] | None = None
    amended: dict[str, Any] | None = None


class Configuration(Struct, frozen=True, forbid_unknown_fields=True, tag_field="type"):
    """The settings of one channel, in the shape of the API, credentials included."""


class Parts(Struct, frozen=True):
    """A configuration as it is stored: what may be read back, the secrets apart, and the host it sends to.

    `host` bounds how many sends go to one host at a time.
    """

    shown: dict[str, Any]
    secrets: dict[str, Any]
    host: str


C = TypeVar("C", bound=Configuration)


class Transport(Protocol[C]):
    """A kind of channel. `digests`: people read it, so many notices at once are told in one message."""

    configuration: ClassVar[type[Any]]
    digests: ClassVar[bool]
    managed: ClassVar[bool] = False
    """Made by linking a chat or a browser, never from a body that names an address."""

    def __init__(self, tools: Tools) -> None:
        """Cheap, and possible without the operator's settings."""

    @staticmethod
    def is_set_up(settings: Settings) -> bool:  # noqa: ARG004  # most kinds need nothing of the operator's
        """Whether the operator has set what the kind needs."""
        return True

    def prepared(self, config: C, *, entropy: bytes) -> C:
        """The configuration as it will be stored. Raises errors.BadRequest or errors.Refused naming the field.

        `entropy`: 32 random bytes, for a secret that is ours to make.
        """

    def parts(self, config: C) -> Parts:
        """Cut into what is shown and what is sealed."""

    def whole(self, *, shown: Mapping[str, Any], secrets: Mapping[str, Any]) -> C:
        """From what `parts` made. Raises msgspec.ValidationError when it is something else."""
        found: C = msgspec.convert({**shown, **secrets}, self.configuration)
        return found

    async def send(self, config: C, message: Message) -> Sent:
        """Send once. Raises TransportError; never waits longer than its total timeout."""
