"""What an installation may be told of the ways that alerts take out of it: sections of control_plane/settings.py."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Annotated, Literal

from msgspec import Meta, Struct

from control_plane.errors import StartupRefused
from shared.settings import Secret

Seconds = Annotated[float, Meta(gt=0, le=3600)]

_ADDRESS = r"[\w.+!#$%&'*/=?^`{|}~-]{1,64}@[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)*"
_SENDER = re.compile(rf"{_ADDRESS}|[^@<>\x00-\x1f\x7f]*<{_ADDRESS}>", re.ASCII)
"""An address alone, or after a name; a domain beyond ASCII is written as A-labels."""

_DETOUR = re.compile(r"[A-Za-z0-9.-]+:\d{1,5}=.+:\d{1,5}")


class DeliverySettings(Struct, frozen=True, forbid_unknown_fields=True):
    """`allow_cidrs`: otherwise blocked ranges that channels may reach, webhooks also over plain http.

    `connect_to`: `host:port=address:port`, where the sockets to a host really go, for an installation whose way out is
    a relay; the request and its TLS stay the host's. `ca_file`: certificates (PEM) to trust besides the system's.
    `apprise`: offer channels of kind apprise, whose many services are reached by a library of their own.
    `workers` is how many sends one process has under way to one channel; 4 times as many to a host or for a tenant, 64
    times as many in all.
    """

    allow_cidrs: tuple[str, ...] = ()
    connect_to: tuple[str, ...] = ()
    ca_file: str = ""
    apprise: bool = False
    timeout_s: Seconds = 10
    workers: Annotated[int, Meta(ge=1, le=64)] = 4


class EmailSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The mail server that takes our messages; without `host` this installation sends no e-mail.

    `security`: `starttls` demands the upgrade, `tls` speaks TLS from the first byte, `none` is for a relay on the same
    machine. `sender` is the From address, bare or as `Name <address>`. `ca_file` as for deliveries.
    """

    host: str = ""
    port: Annotated[int, Meta(ge=0, le=65535)] = 0
    """0: 587 with starttls, 465 with tls, 25 with none."""
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str = ""
    password: Secret = ""
    sender: str = ""
    reply_to: str = ""
    ca_file: str = ""
    timeout_s: Seconds = 20


class TelegramSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The installation's own bot, for chats that are linked with a code. Both or neither."""

    bot_token: Secret = ""
    bot_name: str = ""
    """Its user name, without @."""


class WhatsappSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The installation's own number on WhatsApp's Cloud API. All or none; `language` is the template's exact code."""

    access_token: Secret = ""
    app_secret: Secret = ""
    verify_token: Secret = ""
    phone_number_id: str = ""
    number: str = ""
    template_name: str = ""
    language: str = "en"


class SlackSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The installation's Slack app, for "Add to Slack". Both or neither."""

    client_id: str = ""
    client_secret: Secret = ""


class DiscordSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The installation's Discord app, for "Add to Discord". Both or neither."""

    client_id: str = ""
    client_secret: Secret = ""


class WebPushSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """`private_key`: the VAPID key (RFC 8292), 32 bytes in base64url; by default one is derived from the pepper.

    `contact`: a mailto: or https: URL that push services may turn to; by default server.public_url.
    """

    private_key: Secret = ""
    contact: str = ""


def check_ways_out(
    *,
    delivery: DeliverySettings,
    email: EmailSettings,
    telegram: TelegramSettings,
    whatsapp: WhatsappSettings,
    slack: SlackSettings,
    discord: DiscordSettings,
    public_url: str,
) -> None:
    """What the types cannot say. Raises StartupRefused."""
    for detour in delivery.connect_to:
        if not _DETOUR.fullmatch(detour) or not _is_address(detour.partition("=")[2].rpartition(":")[0].strip("[]")):
            raise StartupRefused(
                f"delivery.connect_to: {detour!r} is not host:port=address:port, such as a.example:443=192.0.2.7:8443"
            )
    for section, names, values in (
        ("telegram", "bot_token, bot_name", (telegram.bot_token, telegram.bot_name)),
        ("slack", "client_id, client_secret", (slack.client_id, slack.client_secret)),
        ("discord", "client_id, client_secret", (discord.client_id, discord.client_secret)),
        ("email", "username, password", (email.username, email.password)),
    ):
        if any(values) and not all(values):
            raise StartupRefused(f"{section}: {names} are set together or not at all")
    needed = (
        *(whatsapp.access_token, whatsapp.app_secret, whatsapp.verify_token),
        *(whatsapp.phone_number_id, whatsapp.number, whatsapp.template_name),
    )
    if any(needed) and not all(needed):
        raise StartupRefused("whatsapp: all of its settings are set, or none; language alone has a default")
    if email.host and not (_SENDER.fullmatch(email.sender) and public_url):
        raise StartupRefused("email.host needs email.sender, as Name <a@b.example>, and server.public_url, for links")
    if email.reply_to and not _SENDER.fullmatch(email.reply_to):
        raise StartupRefused("email.reply_to is one address, bare or as Name <a@b.example>")


def _is_address(text: str) -> bool:
    try:
        return ip_address(text) is not None
    except ValueError:
        return False
