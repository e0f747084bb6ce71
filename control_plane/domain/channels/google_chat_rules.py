"""What a Google Chat channel may be (https://developers.google.com/workspace/chat/quickstart/webhooks). Pure."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlencode, urlsplit

from control_plane.domain.channels.vendor_urls import read_vendor_url, wrong_url

_PATH = re.compile(r"/v1/spaces/[A-Za-z0-9_-]{1,100}/messages")


def read_webhook_url(text: str) -> str:
    """The URL of a space's webhook with its key and token, and nothing else. Raises BadRequest INVALID_CHANNEL_CONFIG.

    What else a pasted URL asks for, such as a thread, is ours to say with each message.
    """
    url = read_vendor_url(text, "google_chat")
    split = urlsplit(str(url))
    if not _PATH.fullmatch(split.path):
        raise wrong_url("A space's webhook is https://chat.googleapis.com/v1/spaces/…/messages?key=…&token=…")
    query = dict(parse_qsl(split.query))
    if not query.get("key") or not query.get("token"):
        raise wrong_url("The URL's key and token are missing: copy it whole, with all that follows its ?")
    return f"{url.origin}{split.path}?{urlencode({'key': query['key'], 'token': query['token']})}"
