"""What a Teams channel may be: the URL of a workflow that begins with "When a Teams webhook request is received". Pure.

https://support.microsoft.com/en-us/office/create-incoming-webhooks-with-workflows-for-microsoft-teams
"""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from control_plane.domain.channels.vendor_urls import read_vendor_url, wrong_url
from shared.netpolicy import UrlRefused, parse_http_url

_RETIRED = (".webhook.office.com", "outlook.office.com", "outlook.office365.com")


def read_webhook_url(text: str) -> str:
    """The URL of a workflow. Raises BadRequest INVALID_CHANNEL_CONFIG."""
    if _is_retired(text):
        raise wrong_url(
            "Microsoft has retired the connectors whose URLs are at webhook.office.com: in Teams open the channel's "
            "Workflows, take the template that posts when a webhook request is received, and paste its URL"
        )
    url = read_vendor_url(text, "msteams")
    split = urlsplit(str(url))
    if "/workflows/" not in split.path or "/triggers/" not in split.path:
        raise wrong_url("A workflow's URL has /workflows/ and /triggers/ in its path: copy it from the workflow whole")
    if "sig" not in dict(parse_qsl(split.query)):
        raise wrong_url("The signature is missing: copy the workflow's URL whole, with all that follows its ?")
    return str(url)


def _is_retired(text: str) -> bool:
    try:
        host = parse_http_url(text).host
    except UrlRefused:
        return False
    return any(host == each or (each.startswith(".") and host.endswith(each)) for each in _RETIRED)
