"""One e-mail: what it says as plain text and as HTML, and the bytes that go over SMTP. Pure.

Header values are folded and encoded by the standard library, which refuses one with a line break in it. The HTML
has nothing remote, no image, style sheet or font; so nothing is missing where those are blocked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime, parseaddr
from functools import cache
from uuid import UUID

import idna
from jinja2 import Environment, PackageLoader, StrictUndefined
from msgspec import Struct

from control_plane.domain.alerting.message_words import Fact
from control_plane.domain.channels.email_rules import needs_utf8, subject_of
from control_plane.settings import EmailSettings


class Button(Struct, frozen=True):
    """A link that looks like what it does."""

    label: str
    url: str


class Row(Struct, frozen=True):
    """One line of a digest's table."""

    state: str
    name: str
    reason: str
    url: str | None


class MailPage(Struct, frozen=True, kw_only=True):
    """What a mail says. `mood` is alarm, note or relief: a colour, and `label` says the same in a word.

    `heads` stand over the columns of `rows`. `direction` of writing: ltr, rtl, or auto for names in any script.
    """

    title: str
    label: str = ""
    mood: str = "note"
    lines: Sequence[str] = ()
    facts: Sequence[Fact] = ()
    rows: Sequence[Row] = ()
    more: str = ""
    buttons: Sequence[Button] = ()
    footer: Sequence[str] = ()
    unsubscribe_url: str | None = None
    unsubscribe_label: str = "No more of these"
    heads: tuple[str, str, str] = ("State", "What", "Why")
    language: str = "en"
    direction: str = "auto"


class Mail(Struct, frozen=True, kw_only=True):
    """A mail to one address. `message_id` has its angle brackets, and is the same on every attempt."""

    to: str
    message_id: str
    page: MailPage
    sent_at: datetime
    headers: Mapping[str, str] = {}


def sender_of(settings: EmailSettings) -> Address:
    """The From address, its domain as A-labels."""
    name, address = parseaddr(settings.sender)
    local, _, domain = address.rpartition("@")
    return Address(display_name=name, username=local, domain=idna.encode(domain, uts46=True).decode())


def message_id_of(mail_id: UUID, settings: EmailSettings) -> str:
    """The Message-ID (RFC 5322 section 3.6.4) of what has this id, on every attempt."""
    return f"<{mail_id.hex}@{sender_of(settings).domain}>"


def mime(mail: Mail, settings: EmailSettings) -> bytes:
    """The whole message with CRLF lines, in ASCII unless the recipient's address needs UTF-8 headers (RFC 6532)."""
    policy = SMTPUTF8 if needs_utf8(mail.to) else SMTP
    message = EmailMessage(policy=policy)
    message["From"] = sender_of(settings)
    message["To"] = Address(addr_spec=mail.to) if mail.to.isascii() else _international(mail.to)
    message["Subject"] = subject_of(mail.page.title)
    message["Date"] = format_datetime(mail.sent_at)
    message["Message-ID"] = mail.message_id
    if settings.reply_to:
        message["Reply-To"] = settings.reply_to
    # RFC 3834: no machine shall answer. The second is what Exchange understands.
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    for name, value in mail.headers.items():
        message[name] = value
    message.set_content(plain_text(mail.page), cte="quoted-printable")
    message.add_alternative(page_html(mail.page), subtype="html", cte="quoted-printable")
    return message.as_bytes()


def _international(address: str) -> Address:
    local, _, domain = address.rpartition("@")
    return Address(username=local, domain=domain)


def plain_text(page: MailPage) -> str:
    """The same for those who read no HTML."""
    rows = [f"{row.state}: {row.name}. {row.reason}" for row in page.rows]
    buttons = [f"{button.label}: {button.url}" for button in page.buttons]
    footer = [*page.footer, *([f"{page.unsubscribe_label}: {page.unsubscribe_url}"] if page.unsubscribe_url else [])]
    facts = [f"{fact.label}: {fact.value}" for fact in page.facts]
    parts = [[page.title], page.lines, facts, [*rows, *([page.more] if page.more else [])], buttons]
    told = "\n\n".join("\n".join(part) for part in parts if part)
    return f"{told}\n\n-- \n" + "\n".join(footer) + "\n"


def page_html(page: MailPage) -> str:
    """The HTML part. Every value is escaped."""
    return _environment().get_template("mail.html").render(page=page)


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("control_plane.notify"),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
