"""What a Slack channel may be: an incoming webhook's URL, or a bot's token and a channel. Pure.

https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks,
https://docs.slack.dev/authentication/tokens
"""

from __future__ import annotations

import re

from control_plane.domain.channels import channel_rules
from control_plane.domain.channels.vendor_urls import read_vendor_url, wrong_url

_SERVICES = re.compile(r"/services(?:/[A-Za-z0-9_-]{1,200}){3}")
_WORKFLOWS = ("/workflows/", "/triggers/")
_TOKEN = re.compile(r"xoxb-[A-Za-z0-9-]{8,250}")
_CHANNEL = re.compile(r"#?[^\s#@<>&\"'`,:|\x00-\x1f\x7f\ud800-\udfff]{1,80}")


def read_webhook_url(text: str) -> str:
    """The URL of an incoming webhook. Raises BadRequest INVALID_CHANNEL_CONFIG."""
    url = read_vendor_url(text, "slack")
    if url.path_and_query.startswith(_WORKFLOWS):
        raise wrong_url(
            "A workflow's URL takes only the variables of its workflow: make an incoming webhook, "
            "https://hooks.slack.com/services/…, or use the kind webhook"
        )
    if not _SERVICES.fullmatch(url.path_and_query):
        raise wrong_url("An incoming webhook's URL is https://hooks.slack.com/services/T…/B…/…, copied whole")
    return str(url)


def check_choice(*, webhook_url: str | None, bot_token: str | None, channel: str | None) -> None:
    """One of the two ways. Raises BadRequest INVALID_CHANNEL_CONFIG."""
    if (webhook_url is None) == (bot_token is None):
        raise channel_rules.invalid(
            "Give the webhook_url of an incoming webhook, or a bot_token and a channel, and not both",
            field="/config/webhook_url",
        )
    if webhook_url is not None and channel is not None:
        raise channel_rules.invalid(
            "An incoming webhook posts to the channel that it was made for: leave channel out", field="/config/channel"
        )
    if bot_token is not None and channel is None:
        raise channel_rules.invalid("A bot_token needs the channel to post to", field="/config/channel")


def check_bot_token(token: str) -> None:
    """A bot's token. Raises BadRequest INVALID_CHANNEL_CONFIG."""
    if not _TOKEN.fullmatch(token):
        raise channel_rules.invalid(
            "A bot's token begins with xoxb- and is on the app's page OAuth & Permissions; "
            "tokens of users (xoxp-), of apps (xapp-) and those that expire (xoxe.) are not taken",
            field="/config/bot_token",
        )


def check_channel(channel: str) -> None:
    """A channel's id or name. Raises BadRequest INVALID_CHANNEL_CONFIG."""
    if not _CHANNEL.fullmatch(channel):
        raise channel_rules.invalid(
            "A channel is its id, such as C0123456789, or its name, such as #alerts", field="/config/channel"
        )
