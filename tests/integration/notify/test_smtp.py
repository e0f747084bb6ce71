"""Handing mails to real mail servers, whole ones and ones that break off: what is tried again, and what is given up."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from control_plane.notify.mail import Mail, MailPage
from control_plane.notify.smtp import SmtpSender
from control_plane.notify.transport_error import TransportError
from control_plane.settings import EmailSettings
from tests.support.smtp_servers import (
    PASSWORD,
    Security,
    Talk,
    broken_server,
    mail_server,
    nobody_listens,
    scripted,
    server_trust,
    strange_trust,
)

MAIL = Mail(
    to="oncall@example.com",
    message_id="<1@farwatch.example>",
    page=MailPage(title="Checkout API: down", lines=["Down from 2 of 3 regions"]),
    sent_at=datetime(2026, 3, 1, 14, 5, tzinfo=UTC),
)
HELLO = ("EHLO", "250 mail.test")
OFFER = ("EHLO", "250-mail.test\r\n250 STARTTLS")
ENVELOPE = (HELLO, ("MAIL", "250 OK"), ("RCPT", "250 OK"))


async def refused(settings: EmailSettings, mail: Mail = MAIL) -> TransportError:
    with pytest.raises(TransportError) as raised:
        await SmtpSender(settings).send(mail)
    assert not raised.value.gone
    assert PASSWORD not in f"{raised.value.message}{raised.value.response}"
    return raised.value


@pytest.mark.parametrize("security", ["starttls", "tls", "none"])
@pytest.mark.parametrize("auth", [False, True])
async def test_a_mail_is_handed_over(security: Security, auth: bool) -> None:
    async with mail_server(security, auth=auth) as server:
        assert "queued" in await SmtpSender(server.settings()).send(MAIL)
    [taken] = server.taken
    assert taken.sender == "alerts@farwatch.example"
    assert taken.recipients == ("oncall@example.com",)
    assert taken.is_encrypted is (security != "none")
    assert taken.signed_in is auth
    assert taken.subject == "Checkout API: down"


async def test_a_wrong_password_is_the_operators_to_mend() -> None:
    async with mail_server("starttls", auth=True) as server:
        error = await refused(server.settings(password="another one"))
    assert error.message == "The mail server did not accept this installation's sign-in (535)"
    assert not error.permanent
    assert "another" not in f"{error.message}{error.response}"


async def test_no_sign_in_where_one_is_demanded_is_tried_again() -> None:
    async with mail_server("starttls", auth=True) as server:
        assert not (await refused(server.settings(username="", password=""))).permanent
    assert server.taken == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_nothing_is_said_under_a_certificate_of_a_stranger(security: Security) -> None:
    async with mail_server(security, auth=True, trust=strange_trust()) as server:
        error = await refused(server.settings())
    assert error.message == "The mail server's certificate is not trusted"
    assert not error.permanent
    assert server.taken == []


async def test_a_certificate_has_to_name_the_server() -> None:
    async with mail_server("tls", trust=server_trust("elsewhere.example")) as server:
        assert (await refused(server.settings())).message == "The mail server's certificate is not trusted"


async def test_without_an_offer_of_starttls_nothing_is_said() -> None:
    async with mail_server("none") as server:
        error = await refused(server.settings(security="starttls"))
        assert server.sessions == 1
    assert error.message == "The mail server does not offer STARTTLS, which email.security demands"
    assert server.taken == []


@pytest.mark.parametrize(
    "answer", ["454 TLS not available", "502 not implemented", "220 go\r\n250 mail.test\r\n250 OK", "drop"]
)
async def test_an_offer_that_is_taken_back_is_never_a_reason_to_go_on_in_the_open(answer: str) -> None:
    heard: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.test\r\n")
        while line := await reader.readline():
            heard.append(line)
            if line.startswith(b"EHLO"):
                writer.write(b"250-mail.test\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS\r\n")
            elif answer == "drop":
                return
            else:
                writer.write(answer.encode() + b"\r\n")
                if answer.startswith("220"):
                    heard.append(await reader.read(1))
                    return

    async with broken_server(talk) as server:
        error = await refused(server.settings(security="starttls", username="farwatch", password=PASSWORD))
    assert not error.permanent
    assert [line.split()[0] for line in heard if line.strip().isascii() and line.split()][:2] == [b"EHLO", b"STARTTLS"]
    assert not any(line.startswith((b"AUTH", b"MAIL")) for line in heard)


@pytest.mark.parametrize(
    ("answer", "permanent"),
    [
        ("550 5.1.1 no such user here", True),
        ("553 mailbox name not allowed", True),
        ("450 4.2.0 greylisted, try later", False),
        ("451 4.7.1 greylisted", False),
        ("421 4.3.2 shutting down", False),
        ("530 5.7.0 authentication required", False),
    ],
)
async def test_what_is_said_of_a_recipient(answer: str, permanent: bool) -> None:
    async with mail_server() as server:
        server.to_rcpt = lambda _address: answer
        error = await refused(server.settings())
    assert error.permanent is permanent
    assert error.response == answer
    assert error.message == f"The mail server refused the address: {answer}"


@pytest.mark.parametrize(
    ("answer", "permanent"), [("554 5.7.1 looks like spam", True), ("452 4.3.1 no room left", False)]
)
async def test_what_is_said_of_a_message(answer: str, permanent: bool) -> None:
    async with mail_server() as server:
        server.to_data = lambda _mail: answer
        error = await refused(server.settings())
    assert (error.permanent, error.response) == (permanent, answer)


@pytest.mark.parametrize(
    "talk",
    [
        scripted(greeting="SSH-2.0-OpenSSH_9.2p1"),
        scripted(greeting="554 no service here"),
        scripted(greeting="421 too busy"),
        scripted(greeting="220 " + "x" * 40_000),
        scripted(greeting="drop"),
        scripted(("EHLO", "drop")),
        scripted(("EHLO", "550 go away")),
        scripted(HELLO, ("MAIL", "550 5.7.1 sender not allowed")),
        scripted(HELLO, ("MAIL", "451 later")),
        scripted(*ENVELOPE, ("DATA", "drop")),
        scripted(*ENVELOPE, ("DATA", "354 go\r\n")),
        scripted(*ENVELOPE, ("DATA", "354 go"), ("CONTENT-TYPE:", "drop"), ("FROM:", "drop")),
        scripted(OFFER, ("STARTTLS", "garbage")),
    ],
    ids=[
        *("no-smtp", "closed", "busy", "endless-greeting", "hangs-up", "hangs-up-at-ehlo", "refuses-ehlo"),
        *("refuses-us", "later", "drops-at-data", "two-answers", "drops-within-data", "garbage-at-starttls"),
    ],
)
async def test_a_server_that_breaks_off_is_tried_again(talk: Talk, request: pytest.FixtureRequest) -> None:
    security = "starttls" if "starttls" in request.node.callspec.id else "none"
    async with broken_server(talk) as server:
        error = await refused(server.settings(security=security, timeout_s=3))
    assert not error.permanent


@pytest.mark.parametrize(
    "talk",
    [
        scripted(greeting="hang"),
        scripted(("EHLO", "hang")),
        scripted(*ENVELOPE, ("DATA", "hang")),
        scripted(*ENVELOPE, ("DATA", "354 go"), (".", "hang")),
    ],
    ids=["greeting", "ehlo", "data", "after-the-message"],
)
async def test_a_server_that_hangs_is_left_within_the_limit(talk: Talk) -> None:
    async with broken_server(talk) as server, asyncio.timeout(10):
        error = await refused(server.settings(timeout_s=0.3))
    assert not error.permanent
    assert "0.3 s" in error.message


async def test_the_limit_holds_for_the_whole_exchange() -> None:
    async def dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"220-wait\r\n")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with broken_server(dripping) as server, asyncio.timeout(10):
        assert not (await refused(server.settings(timeout_s=0.5))).permanent


async def test_a_server_that_is_not_there_is_tried_again() -> None:
    settings = EmailSettings(host="127.0.0.1", port=await nobody_listens(), security="none", sender="a@b.example")
    error = await refused(settings)
    assert error.message == "The connection to the mail server failed"
    assert not error.permanent


async def test_an_address_beyond_ascii_needs_a_server_that_takes_it() -> None:
    mail = Mail(to="zoë@xn--bcher-kva.example", message_id=MAIL.message_id, page=MAIL.page, sent_at=MAIL.sent_at)
    async with mail_server() as plain:
        error = await refused(plain.settings(), mail)
    assert error.permanent
    assert "SMTPUTF8" in error.message
    async with mail_server(utf8=True) as server:
        await SmtpSender(server.settings()).send(mail)
    assert server.taken[0].recipients == ("zoë@xn--bcher-kva.example",)
    assert "To: zoë@xn--bcher-kva.example\r\n".encode() in server.taken[0].raw


async def test_a_server_that_does_not_say_goodbye_has_taken_the_mail() -> None:
    talk = scripted(*ENVELOPE, ("DATA", "354 go"), (".", "250 queued"), ("QUIT", "drop"))
    async with broken_server(talk) as server:
        assert await SmtpSender(server.settings()).send(MAIL) == "250 queued"
