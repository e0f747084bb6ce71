"""What a Discord channel may be (https://discord.com/developers/docs/resources/webhook). Pure."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

from control_plane.domain.channels import channel_rules
from control_plane.domain.channels.vendor_urls import read_vendor_url, wrong_url

_PATH = re.compile(r"/api(?:/v\d{1,2})?/webhooks/(?P<id>\d{1,20})/(?P<token>[A-Za-z0-9._-]{1,200})/?")
_SNOWFLAKE = re.compile(r"\d{1,20}")


def read_webhook_url(text: str, *, thread_id: str | None) -> tuple[str, str | None]:
    """The URL without its query, and the thread, which the query may name. Raises BadRequest INVALID_CHANNEL_CONFIG."""
    url = read_vendor_url(text, "discord")
    split = urlsplit(str(url))
    if not _PATH.fullmatch(split.path):
        raise wrong_url(
            "A Discord webhook's URL is https://discord.com/api/webhooks/…/…, as Copy Webhook URL gives it, "
            "without /slack or /github at its end"
        )
    named = thread_id if thread_id is not None else dict(parse_qsl(split.query)).get("thread_id")
    if named is not None and not _SNOWFLAKE.fullmatch(named):
        raise channel_rules.invalid("A thread's id is a number, as Copy Thread ID gives it", field="/config/thread_id")
    return url.origin + split.path.rstrip("/"), named
