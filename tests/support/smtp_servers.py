"""Mail servers on loopback: a whole one (aiosmtpd), and ones that break off at a place of the exchange."""

from __future__ import annotations

import asyncio
import email
import email.policy
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from functools import cache
from typing import Any, Literal
from warnings import catch_warnings, simplefilter

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from control_plane.settings import EmailSettings
from tests.support.vendors import _authority, authority_file

Security = Literal["starttls", "tls", "none"]
USERNAME, PASSWORD = "farwatch", "correct horse battery"
SENDER = "Farwatch <alerts@farwatch.example>"


@dataclass(frozen=True)
class Taken:
    """A mail that the server took: the envelope, and what was in it."""

    sender: str
    recipients: Sequence[str]
    raw: bytes
    is_encrypted: bool
    signed_in: bool

    @property
    def message(self) -> EmailMessage:
        read = email.message_from_bytes(self.raw, policy=email.policy.SMTP)
        assert isinstance(read, EmailMessage)
        return read

    def part(self, kind: Literal["plain", "html"]) -> str:
        body = self.message.get_body((kind,))
        assert body is not None
        text: str = body.get_content()
        return text

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])


@dataclass
class MailServer:
    """A running mail server. `to_rcpt` and `to_data` answer instead of taking, while they give an answer."""

    port: int = 0
    security: Security = "none"
    auth: bool = False
    taken: list[Taken] = field(default_factory=list)
    sessions: int = 0
    to_rcpt: Callable[[str], str | None] = lambda _address: None
    to_data: Callable[[Taken], str | None] = lambda _taken: None
    """A mail that it answers for is in nobody's mailbox."""
    before_data: Callable[[], Awaitable[None]] | None = None
    after_taking: Callable[[], None] | None = None

    def settings(self, **over: Any) -> EmailSettings:
        signed: dict[str, Any] = {"username": USERNAME, "password": PASSWORD} if self.auth else {}
        given: dict[str, Any] = {
            "host": "localhost",
            "port": self.port,
            "security": self.security,
            "sender": SENDER,
            "ca_file": authority_file(),
            "timeout_s": 10.0,
        }
        return EmailSettings(**(given | signed | over))

    # aiosmtpd calls these by name.
    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        refused = self.to_rcpt(address)
        if refused is not None:
            return refused
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        assert envelope.mail_from is not None
        mail = Taken(
            sender=envelope.mail_from,
            recipients=tuple(envelope.rcpt_tos),
            raw=envelope.content,
            is_encrypted=session.ssl is not None or self.security == "tls",
            signed_in=bool(session.authenticated),
        )
        if self.before_data is not None:
            await self.before_data()
        refused = self.to_data(mail)
        if refused is None:
            self.taken.append(mail)
            if self.after_taking is not None:
                self.after_taking()
        return refused or "250 2.0.0 queued as 4711"


@cache
def server_trust(*names: str) -> ssl.SSLContext:
    """A server's side with a certificate of the test authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _authority().issue_cert(*names).configure_cert(context)
    return context


@cache
def strange_trust() -> ssl.SSLContext:
    """The same of an authority that nobody knows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    return context


def _sign_in(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any) -> AuthResult:
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (USERNAME.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=False)


@asynccontextmanager
async def mail_server(
    security: Security = "none",
    *,
    auth: bool = False,
    utf8: bool = False,
    trust: ssl.SSLContext | None = None,
    port: int = 0,
) -> AsyncIterator[MailServer]:
    """Serve SMTP on loopback. With `auth` nothing is taken from whoever has not signed in."""
    made = MailServer(security=security, auth=auth)
    trust = trust or server_trust("localhost")
    loop = asyncio.get_running_loop()

    def session() -> SMTP:
        made.sessions += 1
        with catch_warnings():  # that a password is asked for in the open, which is what is tested
            simplefilter("ignore", UserWarning)
            return SMTP(
                made,
                hostname="mail.test",
                loop=loop,
                tls_context=trust if security == "starttls" else None,
                require_starttls=security == "starttls",
                authenticator=_sign_in if auth else None,
                auth_required=auth,
                auth_require_tls=security == "starttls",
                enable_SMTPUTF8=utf8,
            )

    server = await loop.create_server(session, "127.0.0.1", port, ssl=trust if security == "tls" else None)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                await server.wait_closed()


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def broken_server(talk: Talk) -> AsyncIterator[MailServer]:
    """What says only what `talk` does, and then hangs up."""
    made = MailServer()
    talks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        talks.add(task)
        made.sessions += 1
        try:
            await talk(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        for task in talks:
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)


def scripted(*lines: tuple[str, str], greeting: str = "220 mail.test ESMTP") -> Talk:
    """Answers by the first word of a command; an answer of `hang` waits for ever, and `drop` ends the connection.

    After `354 go` the lines of the message are read in silence, but for those that have an answer.
    """
    answers = dict(lines)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not await _say(writer, greeting):
            return
        within = False
        while command := await reader.readline():
            word = command.split()[0].decode("latin-1").upper() if command.split() else ""
            if within and word not in answers:
                continue
            within = word == "DATA" and answers.get(word) == "354 go"
            if not await _say(writer, answers.get(word, "500 what?")):
                return

    return talk


async def _say(writer: asyncio.StreamWriter, text: str) -> bool:
    if text == "drop":
        return False
    if text == "hang":
        await asyncio.Event().wait()
    writer.write(text.encode() + b"\r\n")
    await writer.drain()
    return True


async def nobody_listens() -> int:
    """A port that refuses connections."""
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return port
