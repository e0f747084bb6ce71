"""Handing a mail to the operator's mail server (RFC 5321, RFC 3207, RFC 4954): one connection for each message.

reply or fault                                   what follows
4xx anywhere, no connection, no end in time      tried again
5xx to the recipient or to the message           given up: it is the word on this address, or on what we say
5xx to us (greeting, EHLO, AUTH, MAIL FROM, 530) tried again: the operator's settings are wrong, and may be mended
no STARTTLS where it is demanded                 tried again, and nothing is said before: a stripped offer is an attack
a certificate that does not verify               tried again, and nothing is said before
no SMTPUTF8 for an address that needs it         given up

The address guard does not apply: the server is the operator's choice, and no tenant's.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable
from contextlib import suppress
from functools import cached_property, lru_cache

import aiosmtplib
import structlog

from control_plane.domain.channels.email_rules import needs_utf8
from control_plane.notify.excerpt import basic, excerpt
from control_plane.notify.mail import Mail, mime, sender_of
from control_plane.notify.transport_error import TransportError
from control_plane.settings import EmailSettings

PORTS = {"starttls": 587, "tls": 465, "none": 25}

TOWARDS_US = frozenset({503, 530})
"""Permanent replies (RFC 5321 section 4.2.3, RFC 4954 section 6) that speak of our sign-in wherever they come."""

_QUIT_S = 2.0

_log = structlog.get_logger(__name__)


class SmtpSender:
    """The one way out for e-mail: alerts and the installation's own."""

    def __init__(self, settings: EmailSettings) -> None:
        self._settings = settings

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        trust = ssl.create_default_context()
        if self._settings.ca_file:
            trust.load_verify_locations(cafile=self._settings.ca_file)
        return trust

    async def send(self, mail: Mail) -> str:
        """Send once; the server's reply. Raises TransportError within settings.email.timeout_s."""
        client = self._client()
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                reply = await self._exchange(client, mail)
        except TimeoutError:
            raise self._fault(f"The mail server did not end within {self._settings.timeout_s:g} s") from None
        except (aiosmtplib.SMTPException, OSError) as error:
            raise self._told(error) from error
        finally:
            client.close()
        return reply

    def _client(self) -> aiosmtplib.SMTP:
        settings = self._settings
        return aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.port or PORTS[settings.security],
            use_tls=settings.security == "tls",
            start_tls=False,
            tls_context=self._trust if settings.security != "none" else None,
            timeout=settings.timeout_s,
            local_hostname=sender_of(settings).domain,
        )

    async def _exchange(self, client: aiosmtplib.SMTP, mail: Mail) -> str:
        settings = self._settings
        await client.connect()
        await client.ehlo()
        if settings.security == "starttls":
            if not client.supports_extension("starttls"):
                raise self._fault("The mail server does not offer STARTTLS, which email.security demands")
            await client.starttls()
            await client.ehlo()
        if settings.username:
            await client.login(settings.username, settings.password)
        return await self._hand_over(client, mail)

    async def _hand_over(self, client: aiosmtplib.SMTP, mail: Mail) -> str:
        options: Iterable[str] = ()
        if needs_utf8(mail.to):
            if not client.supports_extension("smtputf8"):
                raise TransportError(
                    "The mail server takes no addresses beyond ASCII (SMTPUTF8): use one of plain letters before the @",
                    permanent=True,
                )
            options = ("SMTPUTF8", "BODY=8BITMIME")
        await client.mail(sender_of(self._settings).addr_spec, options=options)
        await client.rcpt(mail.to, encoding="utf-8" if options else "ascii")
        reply = await client.data(mime(mail, self._settings))
        with suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
            await client.quit(timeout=_QUIT_S)
        return self._excerpt(reply.code, reply.message)

    def _told(self, error: aiosmtplib.SMTPException | OSError) -> TransportError:
        """What a fault means. Replies that speak of our own sign-in are for the operator's log alone."""
        match error:
            case aiosmtplib.SMTPTimeoutError():
                return self._fault(f"The mail server did not answer within {self._settings.timeout_s:g} s")
            case aiosmtplib.SMTPRecipientRefused(code=code) | aiosmtplib.SMTPDataError(code=code) if code > 0:
                whom = "the address" if isinstance(error, aiosmtplib.SMTPRecipientRefused) else "the message"
                for_good = 500 <= code < 600 and code not in TOWARDS_US
                reply = self._excerpt(code, str(error.message))
                bounced = for_good and isinstance(error, aiosmtplib.SMTPRecipientRefused)
                message = f"The mail server refused {whom}: {reply}"
                return TransportError(message, permanent=for_good, bounced=bounced, response=reply)
            case aiosmtplib.SMTPAuthenticationError(code=code):
                return self._fault(f"The mail server did not accept this installation's sign-in ({code})", error)
            case aiosmtplib.SMTPResponseException(code=code) if code > 0:
                return self._fault(f"The mail server takes nothing from this installation now ({code})", error)
            case aiosmtplib.SMTPResponseException():
                return self._fault("What answers is no mail server: its reply cannot be read", error)
            case _ if _is_untrusted(error):
                return self._fault("The mail server's certificate is not trusted", error)
            case aiosmtplib.SMTPConnectError() | aiosmtplib.SMTPServerDisconnected() | OSError():
                return self._fault("The connection to the mail server failed", error)
            case _:
                return self._fault("The mail server does not offer what email.security and its sign-in need", error)

    def _fault(self, message: str, error: BaseException | None = None) -> TransportError:
        said = self._excerpt(0, str(error)) if error is not None else None
        _log.warning("mail_server_fault", fault=message, host=self._settings.host, said=said)
        return TransportError(message)

    def _excerpt(self, code: int, text: str) -> str:
        settings = self._settings
        secrets = (settings.password, basic(settings.username, settings.password)) if settings.password else ()
        line = f"{code} {text}" if code else text
        return excerpt(line.encode("utf-8", "replace"), secrets=secrets) or str(code)


@lru_cache(maxsize=8)
def smtp_sender(settings: EmailSettings) -> SmtpSender:
    """The way out under these settings, kept: reading the system's certificates takes 20 ms."""
    return SmtpSender(settings)


def _is_untrusted(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False
