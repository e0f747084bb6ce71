"""What an Apprise URL may be before Apprise itself reads it (https://github.com/caronc/apprise/wiki). Pure.

Which services there are depends on the library; it judges in its own process (notify/apprise_child.py), when a channel
is tested or told of something. Here is what no release may let through.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

from control_plane.domain.channels import channel_rules
from shared.netpolicy import Policy, UrlRefused, judge_host_text, parse_host_text

URL_LIMIT = 2048
"""Characters of an Apprise URL."""

_SCHEME = re.compile(r"(?P<name>[A-Za-z0-9]{1,32})://\S+")

_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24}")

LOCAL = frozenset(
    {
        "blink1", "dbus", "gio", "glib", "gnome", "growl", "kde", "macosx", "qt", "rsyslog", "syslog", "windows",
        "apprise", "apprises", "config", "file",
    }
)  # fmt: skip
"""Schemas that reach the machine of the control plane, its network or its files, or read URLs from elsewhere."""

_FILES = ("attach", "attachment", "config", "keyfile", "pem", "pgpkey", "prvkey", "pubkey", "subfile", "template")
"""Parameters by which plugins read a file of the machine that they run on."""


def read_schema(url: str, policy: Policy) -> str:
    """The service that a URL names, such as slack. Raises BadRequest INVALID_CHANNEL_CONFIG or SSRF_BLOCKED."""
    if len(url) > URL_LIMIT:
        raise _invalid(f"An Apprise URL has at most {URL_LIMIT} characters")
    found = _SCHEME.fullmatch(url)
    if found is None or not url.isascii() or not url.isprintable():
        raise _invalid("An Apprise URL is schema://…, in ASCII and without blanks")
    schema = found["name"].lower()
    if schema in LOCAL:
        raise _invalid(
            f"{schema}:// is not offered: it is about the machine that Farwatch runs on, not about a service"
        )
    _check_parameters(url)
    _check_host(url, policy)
    return schema


def destination(url: str) -> str:
    """Where a URL leads, as rules of the operator name it. What may be a token is not told: then the service is."""
    schema, _, rest = url.partition("://")
    host = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[2].partition(":")[0].lower()
    return host if _DOMAIN.fullmatch(host) else f"{schema.lower()}.apprise.invalid"


def _check_parameters(url: str) -> None:
    for name, value in parse_qsl(url.partition("?")[2], keep_blank_values=True):
        plain = name.lower().lstrip("+-:")
        if plain in _FILES:
            raise _invalid(f"The parameter {plain} is not offered: it would read a file of Farwatch's machine")
        if plain == "verify" and value.lower() not in ("yes", "true", "1", "on"):
            raise _invalid("Certificates are always verified: leave verify out")


def _check_host(url: str, policy: Policy) -> None:
    """Refuse an address that is written down and blocked. What stands there may be a token as well as a host."""
    try:
        text = urlsplit(url).netloc.rpartition("@")[2]
        host = parse_host_text(re.sub(r":\d*\Z", "", text) or "-")
        if host.is_literal or host.name == "localhost" or host.name.endswith(".localhost"):
            judge_host_text(host, policy)
    except UrlRefused as refused:
        if refused.code == "SSRF_BLOCKED":
            raise channel_rules.refused_url(refused) from None
    except ValueError:
        raise _invalid("The Apprise URL cannot be read") from None


def _invalid(message: str) -> Exception:
    return channel_rules.invalid(message, field="/config/url")
