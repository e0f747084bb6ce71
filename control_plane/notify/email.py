"""E-mail, through the installation's own mail server: what happened, as text and as HTML, threaded by incident.

The first message of an incident has a Message-ID made from its message's id; later ones refer to it (RFC 5322 section
3.6.4), so that a mail program shows them together. A message that had to be sent twice has one Message-ID.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec
from msgspec import Struct

from control_plane.domain.alerting.message_words import Words
from control_plane.domain.channels.email_rules import read_recipient
from control_plane.notify.mail import Button, Mail, MailPage, Row, message_id_of, sender_of
from control_plane.notify.smtp import SmtpSender
from control_plane.notify.tools import Tools
from control_plane.notify.transport import Configuration, Message, Parts, Sent, Transport
from control_plane.settings import Settings

MOST_ROWS = 100
"""Lines of a digest's table."""

HOST = "smtp"
"""All of them go to one server, so they are bounded together."""

LABELS = {"alarm": "Alarm", "note": "Notice", "relief": "Resolved"}
PHASES = {"test": "Test", "digest": "Digest", "event": "Event"}
"""What a message is, where that says more than how it is meant."""


class Email(Configuration, frozen=True, tag="email"):
    """One address in lower case, which has to say yes before anything else is sent to it."""

    to: str


class EmailTransport(Transport[Email]):
    """Sends through settings.email; without a server and an address for links the kind is not offered."""

    configuration: ClassVar[type[Email]] = Email
    digests: ClassVar[bool] = True

    def __init__(self, tools: Tools) -> None:
        self._settings = tools.settings.email
        self._sender = SmtpSender(self._settings)

    @staticmethod
    def is_set_up(settings: Settings) -> bool:
        """A mail server, and server.public_url, without which nobody could say yes."""
        return bool(settings.email.host and settings.server.public_url)

    def prepared(self, config: Email, *, entropy: bytes) -> Email:  # noqa: ARG002  # no secret of ours
        """The address with its domain as A-labels. Raises BadRequest INVALID_CHANNEL_CONFIG."""
        return Email(to=read_recipient(config.to))

    def parts(self, config: Email) -> Parts:
        """No secret is in it."""
        return Parts(shown={"type": "email", "to": config.to}, secrets={}, host=HOST)

    async def send(self, config: Email, message: Message) -> Sent:
        """One mail. Raises TransportError."""
        message_id = message_id_of(message.message_id, self._settings)
        mail = Mail(
            to=config.to,
            message_id=message_id,
            page=alert_page(message, to=config.to),
            sent_at=message.sent_at,
            headers=self._headers(message, message_id),
        )
        reply = await self._sender.send(mail)
        return Sent(response=reply, receipt={"message_id": message_id} if message.incident_id is not None else None)

    def _headers(self, message: Message, message_id: str) -> dict[str, str]:
        domain = sender_of(self._settings).domain
        headers = {"List-Id": f"<alerts.{domain}>", "Feedback-ID": f"{message.notice}:alerts:farwatch:{domain}"}
        first = (message.receipt or {}).get("message_id")
        if isinstance(first, str) and first != message_id:
            headers |= {"In-Reply-To": first, "References": first}
        if message.unsubscribe_url is not None:  # RFC 8058: a mail program's own button
            headers |= {
                "List-Unsubscribe": f"<{message.unsubscribe_url}>",
                "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            }
        return headers


def alert_page(message: Message, *, to: str) -> MailPage:
    """What an alert's mail says; a digest as a table."""
    words = message.words
    rows = _rows(message.bodies) if message.others else ()
    told = words.summary if words.facts else words.text
    buttons = [
        *([Button("Open the incident", words.url)] if words.url else []),
        *([Button("Acknowledge", words.acknowledge_url)] if words.acknowledge_url else []),
    ]
    return MailPage(
        title=words.title,
        label=_label(words),
        mood=words.tone,
        lines=() if rows else tuple(line for line in told.splitlines() if line.strip()),
        facts=() if rows else words.facts,
        rows=rows[:MOST_ROWS],
        more=f"and {len(rows) - MOST_ROWS} more" if len(rows) > MOST_ROWS else "",
        buttons=buttons,
        footer=(f"Farwatch sends this to {to}, who agreed to receive it.",),
        unsubscribe_url=message.unsubscribe_url,
    )


def _label(words: Words) -> str:
    return PHASES.get(words.phase) or LABELS[words.tone]


class _Named(Struct, frozen=True):
    name: str = ""


class _Incident(Struct, frozen=True):
    url: str | None = None
    severity: str | None = None


class _Told(Struct, frozen=True):
    """What a table needs of a stored body."""

    event: str
    reason: str = ""
    monitor: _Named | None = None
    agent: _Named | None = None
    region: _Named | None = None
    incident: _Incident | None = None


_READ = msgspec.json.Decoder(_Told)


def _rows(bodies: tuple[bytes, ...]) -> tuple[Row, ...]:
    """One for each body that can be read; none at all where one cannot, and the words alone tell."""
    try:
        return tuple(_row(_READ.decode(body)) for body in bodies)
    except msgspec.MsgspecError:
        return ()


def _row(told: _Told) -> Row:
    named = told.monitor or told.agent or told.region
    incident = told.incident or _Incident()
    return Row(
        state=told.event.rpartition(".")[2].capitalize(),
        name=named.name if named is not None else "The installation",
        reason=" ".join(told.reason.split()),
        url=incident.url,
    )
