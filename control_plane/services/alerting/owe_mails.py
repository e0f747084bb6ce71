"""Owe a mail of the installation's own, in the transaction that makes it due. Its link is sealed until it is sent."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from control_plane.notify.system_mail import Kind
from control_plane.sealing import Sealer
from control_plane.services.installation.identity import new_id
from control_plane.store import system_mails
from control_plane.store.pool import Connection
from control_plane.store.system_mails import MailRow


async def owe_link_mail(
    conn: Connection,
    *,
    sealer: Sealer,
    tenant_id: UUID,
    kind: Kind,
    to: str,
    token: str,
    data: dict[str, Any],
    channel_id: UUID | None = None,
) -> None:
    """Owe the mail that brings a link. `token` is the link's secret part."""
    mail_id = new_id()
    await system_mails.owe(
        conn,
        MailRow(
            tenant_id=tenant_id,
            id=mail_id,
            kind=kind,
            recipient=to,
            channel_id=channel_id,
            data=data,
            sealed=sealer.seal(token.encode(), context=mail_context(tenant_id, mail_id)),
        ),
    )


def mail_context(tenant_id: UUID, mail_id: UUID) -> str:
    """What a mail's sealed link is bound to: it opens for no other row."""
    return f"system_mail:{tenant_id}:{mail_id}"
