"""Send one message to one subscriber of a status page: compose it, open where it leads, hand it to the transport."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from msgspec import Struct

from control_plane.domain.alerting.message_words import Words
from control_plane.domain.pages.subscriber_rules import Target
from control_plane.domain.pages.subscription_link import subscription_token
from control_plane.notify.mail import Mail, MailPage, message_id_of, sender_of
from control_plane.notify.page_message import (
    ALREADY,
    CONFIRM,
    Item,
    Place,
    news_body,
    news_mail,
    news_words,
    question_body,
    question_mail,
    question_words,
)
from control_plane.notify.smtp import smtp_sender
from control_plane.notify.transport import Message
from control_plane.notify.transport_error import TransportError
from control_plane.notify.web_push import WebPush
from control_plane.notify.webhook import Webhook
from control_plane.sealing import Sealer, UnsealError
from control_plane.services.pages.read_subscribers import open_sealed
from control_plane.services.pages.subscription_target import Transports
from control_plane.settings import Settings
from control_plane.store.page_deliveries import ToSend

KINDS = ("email", "webhook", "web_push")
_NO_WORDS = Words(title="", text="", tone="note")


class Ways(Struct, frozen=True):
    """What messages are sent with."""

    settings: Settings
    sealer: Sealer
    transports: Transports

    @property
    def kinds(self) -> list[str]:
        """Those that this installation can send."""
        return [kind for kind in KINDS if kind in self.transports]

    @property
    def pepper(self) -> bytes:
        return self.settings.security.pepper.encode()

    @property
    def home(self) -> str:
        return self.settings.server.public_url.rstrip("/")


def is_question(message: Sequence[ToSend]) -> bool:
    """Whether it is about the subscription itself."""
    return message[0].event in (CONFIRM, ALREADY)


async def send_page_message(message: Sequence[ToSend], ways: Ways) -> str | None:
    """Send it once; what the receiver answered. Raises TransportError."""
    first = message[0]
    try:
        target = open_sealed(first.sealed, first.tenant_id, first.subscriber_id, sealer=ways.sealer)
    except UnsealError:
        raise TransportError("Where it leads cannot be opened: its sealing key is gone", permanent=True) from None
    place = _place(first, ways)
    if first.kind == "email":
        return await _mail(message, target, place, ways)
    config = (
        Webhook(url=target.address, secret=target.secret)
        if first.kind == "webhook"
        else WebPush(endpoint=target.address, p256dh=target.p256dh, auth=target.auth)
    )
    sent = await ways.transports[first.kind].send(config, _message(message, place))
    return sent.response


def _place(first: ToSend, ways: Ways) -> Place:
    token = partial(
        subscription_token, tenant_id=first.tenant_id, subscriber_id=first.subscriber_id, pepper=ways.pepper
    )
    return Place(
        slug=first.slug,
        title=first.title,
        language=first.language,
        home=ways.home,
        confirm_token=token("confirm", nonce=first.nonce),
        manage_token=token("manage"),
    )


def _message(message: Sequence[ToSend], place: Place) -> Message:
    """For a webhook its bytes count, for a push its words."""
    first = message[0]
    if is_question(message):
        body = question_body(place, delivery_id=first.id, at=first.created_at)
        words = question_words(place)
    else:
        items = _items(message)
        body, words = news_body(items[0], place), news_words(items, place)
    return Message(
        message_id=first.message_id,
        attempt=first.attempts,
        body=body if first.kind == "webhook" else b"",
        sent_at=first.now,
        words=_NO_WORDS if first.kind == "webhook" else words,
        notice="event",
        incident_id=first.subject if len(message) == 1 else None,
    )


async def _mail(message: Sequence[ToSend], target: Target, place: Place, ways: Ways) -> str:
    first, settings = message[0], ways.settings.email
    about = is_question(message)
    page: MailPage = question_mail(first.event, place) if about else news_mail(_items(message), place)
    mail = Mail(
        to=target.address,
        message_id=message_id_of(first.message_id, settings),
        page=page,
        sent_at=first.now,
        headers={} if about else _headers(place, sender_of(settings).domain),
    )
    return await smtp_sender(settings).send(mail)


def _headers(place: Place, domain: str) -> dict[str, str]:
    """RFC 2919 and RFC 8058: what mail programs show a button by."""
    return {
        "List-Id": f"<{place.slug}.status.{domain}>",
        "List-Unsubscribe": f"<{place.unsubscribe_url}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Feedback-ID": f"status:{place.slug}:farwatch:{domain}",
    }


def _items(message: Sequence[ToSend]) -> list[Item]:
    found = []
    for one in message:
        assert one.told is not None
        assert one.subject is not None
        at = one.happened_at or one.created_at
        found.append(Item(id=one.id, event=one.event, subject=one.subject, told=one.told, happened_at=at))
    return found
