"""What an e-mail is made of: its headers, its two parts, and nothing that a monitor's name could put there."""

from __future__ import annotations

import email
import email.policy
import re
from email.message import EmailMessage
from html.parser import HTMLParser
from typing import Any

import pytest
from msgspec.structs import replace

from control_plane.domain.channels.email_rules import SUBJECT_LIMIT, subject_of
from control_plane.notify.email import MOST_ROWS, EmailTransport, alert_page
from control_plane.notify.mail import Mail, MailPage, message_id_of, mime, page_html
from control_plane.notify.render import Surroundings
from control_plane.notify.transport import Message
from control_plane.settings import EmailSettings, ServerSettings, Settings
from tests.support.messages import MESSAGE, NOW, a_body, a_message, tools

SETTINGS = EmailSettings(host="mail.test", sender="Farwatch <alerts@farwatch.example>", reply_to="ops@farwatch.example")
WHOLE = Settings(email=SETTINGS, server=ServerSettings(public_url="https://farwatch.example"))
TO = "oncall@example.com"
UNSUBSCRIBE = "https://farwatch.example/unsubscribe/t"
HOSTILE = 'x"><script>alert(1)</script><img src=//evil.example/p>\r\nBcc: a@evil.example\u202e'


def made(message: Message, *, to: str = TO) -> EmailMessage:
    transport = EmailTransport(tools(settings=WHOLE))
    message_id = message_id_of(message.message_id, SETTINGS)
    mail = Mail(
        to=to,
        message_id=message_id,
        page=alert_page(message, to=to),
        sent_at=message.sent_at,
        headers=transport._headers(message, message_id),
    )
    read = email.message_from_bytes(mime(mail, SETTINGS), policy=email.policy.SMTP)
    assert isinstance(read, EmailMessage)
    return read


def part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert body is not None
    text: str = body.get_content()
    return text


class Links(HTMLParser):
    """What a page would load, and where it leads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.leads: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not {"src", "srcset", "background", "data"} & {name for name, _ in attrs}
        assert not [name for name, _ in attrs if name.startswith("on")]
        self.leads += [value or "" for name, value in attrs if name == "href"]


def test_an_alert_says_the_same_as_text_and_as_html() -> None:
    message = replace(
        a_message(around=Surroundings(now=NOW, acknowledge_url="https://farwatch.example/ack/t")),
        unsubscribe_url=UNSUBSCRIBE,
    )
    mail = made(message)
    plain, html = part(mail, "plain"), part(mail, "html")
    assert mail["From"] == "Farwatch <alerts@farwatch.example>"
    assert mail["To"] == TO
    assert mail["Reply-To"] == "ops@farwatch.example"
    assert mail["Subject"] == message.words.title
    assert mail["Date"].datetime == NOW
    assert mail["Message-ID"] == f"<{MESSAGE.hex}@farwatch.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Auto-Response-Suppress"] == "All"
    assert mail["List-Id"] == "<alerts.farwatch.example>"
    assert mail["List-Unsubscribe"] == f"<{UNSUBSCRIBE}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail.get_content_type() == "multipart/alternative"
    assert message.words.url is not None
    for text in (message.words.title, "eu-west", message.words.url, "https://farwatch.example/ack/t", UNSUBSCRIBE):
        assert text in plain
        assert text in html


def test_a_later_message_of_an_incident_refers_to_the_first() -> None:
    first = made(a_message())
    receipt = {"message_id": first["Message-ID"]}
    later = a_message(a_body("incident.resolved"), notice="resolved", receipt=receipt)
    mail = made(replace(later, message_id=ANOTHER))
    assert mail["In-Reply-To"] == mail["References"] == first["Message-ID"]
    assert first["In-Reply-To"] is None


ANOTHER = type(MESSAGE)(int=MESSAGE.int + 1)


def test_an_attempt_is_made_again_with_the_same_message_id() -> None:
    assert made(a_message())["Message-ID"] == made(a_message(attempt=3))["Message-ID"]


def test_a_name_puts_nothing_into_headers_or_markup() -> None:
    mail = made(a_message(a_body(name=HOSTILE, reason=HOSTILE, tags=(HOSTILE,))))
    assert mail["Bcc"] is None
    assert "\u202e" not in mail["Subject"]
    links = Links(part(mail, "html"))
    assert not {"script", "img", "link", "iframe", "form"} & set(links.tags)
    assert all(lead.startswith("https://farwatch.example/") for lead in links.leads)


@pytest.mark.parametrize(
    ("title", "subject"),
    [
        ("API: down", "API: down"),
        ("a\r\nBcc: x@y.example", "a Bcc: x@y.example"),
        ("a\x00b\x1bc\u2028d", "a b c d"),
        ("x" * 300, "x" * (SUBJECT_LIMIT - 1) + "…"),
        ("Ärger 👩‍🚒", "Ärger 👩‍🚒"),
    ],
    ids=["plain", "break", "controls", "long", "emoji"],
)
def test_a_subject_is_one_line(title: str, subject: str) -> None:
    assert subject_of(title) == subject
    assert made(replace(a_message(), words=replace(a_message().words, title=title)))["Subject"] == subject


def test_a_digest_is_a_table() -> None:
    others = [a_body(name=f"API {n}") for n in range(2, MOST_ROWS + 6)]
    mail = made(a_message(a_body(name="API 1"), others=others))
    html = part(mail, "html")
    assert Links(html).tags.count("tr") > MOST_ROWS
    assert ">API 1</a>" in html
    assert f">API {MOST_ROWS}</a>" in html
    assert "and 5 more" in html
    assert "Opened: API 1. Down from 2 of 3 regions: timed out" in part(mail, "plain")


def test_a_digest_with_a_body_of_another_release_is_told_in_words() -> None:
    message = replace(a_message(others=[a_body()]), others=(b'{"kind": "unheard of"}',))
    page = alert_page(message, to=TO)
    assert page.rows == ()
    assert page.lines


def test_every_line_is_ascii_and_short_enough_for_any_server() -> None:
    words = replace(a_message().words, title="Ärger: " + "ß" * 150, text="é" * 3000, summary="é" * 3000)
    message = replace(a_message(), words=words)
    raw = mime(Mail(to=TO, message_id="<1@x.example>", page=alert_page(message, to=TO), sent_at=NOW), SETTINGS)
    assert raw.isascii()
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    assert b"\n" not in raw.replace(b"\r\n", b"")


def test_dark_mode_and_small_screens_are_thought_of() -> None:
    html = page_html(MailPage(title="T"))
    assert 'name="color-scheme" content="light dark"' in html
    assert "prefers-color-scheme: dark" in html
    assert 'lang="en"' in html
    assert not re.search(r"https?://", html), "nothing remote"


@pytest.mark.parametrize(
    ("settings", "offered"),
    [
        (Settings(), False),
        (Settings(email=SETTINGS), False),
        (Settings(server=ServerSettings(public_url="https://farwatch.example")), False),
        (WHOLE, True),
    ],
    ids=["nothing", "no-address", "no-server", "both"],
)
def test_the_kind_needs_a_server_and_an_address_for_links(settings: Settings, offered: bool) -> None:
    assert EmailTransport.is_set_up(settings) is offered


def test_a_stored_configuration_is_read_back_whole() -> None:
    transport = EmailTransport(tools(settings=WHOLE))
    config: Any = transport.prepared(transport.configuration(to="ana@bücher.example"), entropy=bytes(32))
    parts = transport.parts(config)
    assert parts.shown == {"type": "email", "to": "ana@xn--bcher-kva.example"}
    assert parts.secrets == {}
    assert transport.whole(shown=parts.shown, secrets={}) == config
