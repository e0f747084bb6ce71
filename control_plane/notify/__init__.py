"""Speaking to the outside: one file per kind of channel. TRANSPORTS is the list of kinds there are."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from datetime import timedelta
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Any

from control_plane.notify.alertmanager import AlertmanagerTransport
from control_plane.notify.apprise import AppriseTransport
from control_plane.notify.discord import DiscordTransport
from control_plane.notify.email import EmailTransport
from control_plane.notify.google_chat import GoogleChatTransport
from control_plane.notify.guarded_http import Endpoint, GuardedHttp
from control_plane.notify.msteams import MsTeamsTransport
from control_plane.notify.ntfy import NtfyTransport
from control_plane.notify.pagerduty import PagerDutyTransport
from control_plane.notify.pushover import PushoverTransport
from control_plane.notify.slack import SlackTransport
from control_plane.notify.sms import SmsTransport
from control_plane.notify.telegram import TelegramTransport
from control_plane.notify.telegram_app import TelegramAppTransport
from control_plane.notify.telegram_bot import TelegramBot
from control_plane.notify.tools import Tools
from control_plane.notify.transport import Transport
from control_plane.notify.web_push import WebPushTransport
from control_plane.notify.webhook import WebhookTransport
from control_plane.notify.whatsapp import WhatsappTransport
from control_plane.notify.whatsapp_app import WhatsappAppTransport
from control_plane.settings import DeliverySettings, Settings
from shared.netpolicy import Policy

TRANSPORTS: Mapping[str, type[Transport[Any]]] = {
    "alertmanager": AlertmanagerTransport,
    "apprise": AppriseTransport,
    "discord": DiscordTransport,
    "email": EmailTransport,
    "google_chat": GoogleChatTransport,
    "msteams": MsTeamsTransport,
    "ntfy": NtfyTransport,
    "pagerduty": PagerDutyTransport,
    "pushover": PushoverTransport,
    "slack": SlackTransport,
    "sms": SmsTransport,
    "telegram": TelegramTransport,
    "telegram_app": TelegramAppTransport,
    "web_push": WebPushTransport,
    "webhook": WebhookTransport,
    "whatsapp": WhatsappTransport,
    "whatsapp_app": WhatsappAppTransport,
}


@lru_cache(maxsize=8)
def transports(settings: Settings) -> Mapping[str, Transport[Any]]:
    """A transport of each available kind. Kept per settings: making one reads the system's certificates, for 20 ms."""
    every = every_transport(settings)
    return {kind: transport for kind, transport in every.items() if transport.is_set_up(settings)}


def every_transport(settings: Settings | None = None) -> Mapping[str, Transport[Any]]:
    """One of each kind, also of those that are not set up here: to read configurations, not to send."""
    settings = settings or Settings()
    tools = Tools(guarded_http(settings.delivery), settings)
    return {kind: make(tools) for kind, make in TRANSPORTS.items()}


def installation_bot(settings: Settings) -> TelegramBot | None:
    """The installation's own Telegram bot, where it has one."""
    transport = transports(settings).get("telegram_app")
    return transport.bot if isinstance(transport, TelegramAppTransport) else None


def guarded_http(settings: DeliverySettings) -> GuardedHttp:
    """The way out under the operator's settings."""
    trust = ssl.create_default_context()
    if settings.ca_file:
        trust.load_verify_locations(cafile=settings.ca_file)
    return GuardedHttp(
        Policy(allow_cidrs=tuple(ip_network(cidr) for cidr in settings.allow_cidrs)),
        timeout=timedelta(seconds=settings.timeout_s),
        trust=trust,
        connect_to=dict(map(_read_detour, settings.connect_to)),
    )


def _read_detour(text: str) -> tuple[str, Endpoint]:
    """`host:port=address:port`, which control_plane/settings.py has checked."""
    name, _, to = text.partition("=")
    address, _, port = to.rpartition(":")
    return name.lower(), Endpoint(ip_address(address.strip("[]")), int(port))
