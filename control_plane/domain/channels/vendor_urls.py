"""URLs that a service hands out to post to: which service's one is, and the refusal of another's. Pure.

Such a URL is a secret as a whole: nothing of it is ever repeated in a message.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from control_plane.domain.channels import channel_rules
from control_plane.errors import BadRequest
from shared.netpolicy import HttpUrl, UrlRefused, parse_http_url

FIELD = "/config/webhook_url"


class Vendor(Struct, frozen=True):
    """A service. `hosts` are exact names; one that begins with a dot stands for all names below it."""

    title: str
    hosts: tuple[str, ...]

    def owns(self, host: str) -> bool:
        return any(host.endswith(each) if each.startswith(".") else host == each for each in self.hosts)


VENDORS: Mapping[str, Vendor] = {
    "discord": Vendor(
        "Discord", ("discord.com", "discordapp.com", "ptb.discord.com", "canary.discord.com", "ptb.discordapp.com",
        "canary.discordapp.com")
    ),
    "google_chat": Vendor("Google Chat", ("chat.googleapis.com",)),
    "msteams": Vendor("Microsoft Teams", (".logic.azure.com", ".powerplatform.com", ".powerautomate.com")),
    "slack": Vendor("Slack", ("hooks.slack.com", "hooks.slack-gov.com")),
}  # fmt: skip
"""The kinds of channels whose URLs are pinned to their service."""

_SHOWN_HOSTS = 2


def read_vendor_url(text: str, kind: str) -> HttpUrl:
    """A URL of this kind's service, over https and its usual port. Raises BadRequest with a hint at the right kind."""
    try:
        url = parse_http_url(text)
    except UrlRefused as refused:
        raise channel_rules.refused_url(refused, field=FIELD) from None
    vendor = VENDORS[kind]
    if not vendor.owns(url.host):
        raise wrong_url(f"{_expected(vendor)}; {_hint(url.host)}")
    if url.scheme != "https" or url.port != 443:
        raise wrong_url(f"{vendor.title}'s URL is https, without a port of its own")
    return url


def wrong_url(message: str) -> BadRequest:
    """The refusal of a URL that is not of the form that its service hands out."""
    return channel_rules.invalid(message, field=FIELD)


def usable(text: str | None) -> HttpUrl | None:
    """What is stored, which stricter rules of a later release may no longer take."""
    try:
        return parse_http_url(text or "")
    except UrlRefused:
        return None


def sealed_url(kind: str, webhook_url: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    """What is shown of a channel that is its URL, what is sealed, and the host."""
    shown = {"type": kind, "webhook_url": channel_rules.MASK}
    return shown, {"webhook_url": webhook_url}, parse_http_url(webhook_url).host_header


def _expected(vendor: Vendor) -> str:
    names = [f"*{each}" if each.startswith(".") else each for each in vendor.hosts[:_SHOWN_HOSTS]]
    return f"{vendor.title}'s URL is at {' or '.join(names)}"


def _hint(host: str) -> str:
    for kind, vendor in VENDORS.items():
        if vendor.owns(host):
            return f"this is one of {vendor.title}'s: use the kind {kind}"
    return "for any other service use the kind webhook"
