"""The worker of the installation's own mails: claim, send outside any transaction, record. As for deliveries, but few.

Any number of processes do this side by side. A worker that dies leaves its leases, which run out; the mail is then sent
again with the same Message-ID, so that whoever gets it twice can tell.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import structlog

from control_plane.domain.alerting.delivery import Accepted, Dead, Delivered, Failed, Outcome, RetryAt, next_attempt
from control_plane.notify.mail import Mail, message_id_of
from control_plane.notify.smtp import SmtpSender, smtp_sender
from control_plane.notify.system_mail import LINK_PATHS, system_page
from control_plane.notify.transport_error import TransportError
from control_plane.sealing import Sealer, UnsealError
from control_plane.services.alerting.owe_mails import mail_context
from control_plane.settings import Settings
from control_plane.store import system_mails
from control_plane.store.pool import Database
from control_plane.store.system_mails import ClaimedMail, MailEnd

AT_ONCE = 4
"""Mails that one process sends side by side."""

LEASE_MARGIN = timedelta(seconds=20)

UNKNOWN_LIMIT = 20
"""Attempts without a known end after which we stop."""

_log = structlog.get_logger(__name__)


async def send_system_mails(
    database: Database, *, settings: Settings, sealer: Sealer, jitter: Callable[[], float]
) -> int:
    """Send all that is due; how many attempts were made. Without a mail server nothing is tried."""
    if not settings.email.host:
        return 0
    sender, made = smtp_sender(settings.email), 0
    lease = timedelta(seconds=settings.email.timeout_s) + LEASE_MARGIN
    while True:
        async with database.app() as conn:
            claimed = await system_mails.claim(conn, token=uuid4(), lease=lease, most=AT_ONCE)
        if not claimed:
            return made
        made += len(claimed)
        async with asyncio.TaskGroup() as group:
            for mail in claimed:
                group.create_task(
                    _attempt(database, mail, sender=sender, settings=settings, sealer=sealer, jitter=jitter)
                )


async def _attempt(
    database: Database,
    mail: ClaimedMail,
    *,
    sender: SmtpSender,
    settings: Settings,
    sealer: Sealer,
    jitter: Callable[[], float],
) -> None:
    if mail.attempts - mail.failures > UNKNOWN_LIMIT:
        outcome: Outcome = Failed("The worker ended in the middle of too many attempts", permanent=True)
    else:
        outcome = await _send(mail, sender=sender, settings=settings, sealer=sealer)
    end = _end(mail, outcome, jitter=jitter())
    if end.state == "dead":
        _log.warning("system_mail_dead", kind=mail.kind, id=str(mail.id), error=end.error)
    async with database.app_transaction() as conn:
        await system_mails.record(conn, mail, end)


async def _send(mail: ClaimedMail, *, sender: SmtpSender, settings: Settings, sealer: Sealer) -> Outcome:
    home = settings.server.public_url.rstrip("/")
    try:
        link = _link(mail, home=home, sealer=sealer)
        page = system_page(mail.kind, mail.data, tenant=mail.tenant_name, home=home, link=link)
    except UnsealError:
        return Failed("The link in it cannot be opened: its sealing key is gone", permanent=True)
    except KeyError as missing:
        return Failed(f"Another release has written it: {missing} is not there", permanent=True)
    try:
        await sender.send(
            Mail(
                to=mail.recipient,
                message_id=message_id_of(mail.id, settings.email),
                page=page,
                sent_at=mail.now,
            )
        )
    except TransportError as error:
        return Failed(error.message, permanent=error.permanent)
    return Accepted()


def _link(mail: ClaimedMail, *, home: str, sealer: Sealer) -> str | None:
    """Raises UnsealError."""
    if mail.sealed is None:
        return None
    token = sealer.open(mail.sealed, context=mail_context(mail.tenant_id, mail.id)).decode()
    return f"{home}{LINK_PATHS[mail.kind]}{token}"


def _end(mail: ClaimedMail, outcome: Outcome, *, jitter: float) -> MailEnd:
    error = outcome.reason if isinstance(outcome, Failed) else None
    match next_attempt(mail.failures, outcome, now=mail.now, jitter=jitter):
        case Delivered():
            return MailEnd(state="sent", due_at=mail.now, failed=False, error=None)
        case RetryAt(at=at):
            return MailEnd(state="pending", due_at=at, failed=True, error=error)
        case Dead(reason=reason):
            return MailEnd(state="dead", due_at=mail.now, failed=True, error=reason)
