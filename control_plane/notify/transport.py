"""What every kind of channel offers: its configuration, and one way to send.

A transport says whether trying again can help, and nothing more: when to try again is domain/delivery.py's business,
recording it is services/alerting/deliver_notifications.py's. To add a kind: one file with a configuration Struct tagged
with the kind's name and a transport, one line in TRANSPORTS, two tests. Words for people come from notify/render.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar, Protocol, TypeVar
from uuid import UUID

from msgspec import Struct

RESPONSE_LIMIT = 256
"""Bytes of a receiver's answer that are kept: enough to read an error, too little to be a way of reading a network."""


class Message(Struct, frozen=True):
    """One attempt at one message: a delivery that goes singly, under its own id, or a digest of several.

    `body` is the same bytes on every attempt; `attempt` counts from 1. A digest has the bodies of its other deliveries
    in `others`, in order, and goes only to a transport that `digests`.
    """

    message_id: UUID
    attempt: int
    body: bytes
    sent_at: datetime
    others: tuple[bytes, ...] = ()

    @property
    def bodies(self) -> tuple[bytes, ...]:
        """All that is told."""
        return (self.body, *self.others)


class Sent(Struct, frozen=True):
    """The receiver took it."""

    http_status: int | None = None
    response: str | None = None


class TransportError(Exception):
    """The receiver did not take it, or could not be reached. The message is shown to the tenant: no secret in it."""

    def __init__(
        self,
        message: str,
        *,
        permanent: bool = False,
        retry_after: timedelta | None = None,
        http_status: int | None = None,
        response: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.permanent = permanent
        self.retry_after = retry_after
        self.http_status = http_status
        self.response = response


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

    def prepared(self, config: C, *, entropy: bytes) -> C:
        """The configuration as it will be stored. Raises errors.BadRequest or errors.Refused naming the field.

        `entropy`: 32 random bytes, for a secret that is ours to make.
        """

    def parts(self, config: C) -> Parts:
        """Cut into what is shown and what is sealed."""

    def whole(self, *, shown: Mapping[str, Any], secrets: Mapping[str, Any]) -> C:
        """The inverse of `parts`."""

    async def send(self, config: C, message: Message) -> Sent:
        """Send once. Raises TransportError; never waits longer than its total timeout."""
