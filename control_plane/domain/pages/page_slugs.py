"""Names in the addresses of status pages: one page has each, over the whole installation."""

from __future__ import annotations

import re
import unicodedata

from control_plane.domain.field_rules import refuse
from control_plane.errors import Refused

SHORTEST, LONGEST = 3, 60

RESERVED = frozenset(
    {
        "abuse", "account", "accounts", "admin", "administrator", "alert", "alerts", "api", "app", "assets", "auth",
        "badge", "badges", "billing", "blog", "connect", "dashboard", "default", "docs", "domain", "domains",
        "download", "email", "farwatch", "feed", "feeds", "fragment", "health", "healthz", "help", "history", "hooks",
        "incident", "incidents", "index", "legal", "login", "logo", "logout", "mail", "mcp", "metrics", "monitor",
        "monitors", "new", "oauth", "oauth2", "official", "openapi", "operator", "operators", "page", "pages",
        "password", "ping", "plans", "preview", "privacy", "public", "readyz", "register", "root", "rss", "search",
        "security", "setup", "share", "shares", "signin", "signup", "static", "status", "status-page", "status-pages",
        "subscribe", "support", "system", "team", "terms", "unlock", "unsubscribe", "verify", "well-known", "www",
    }
)  # fmt: skip
"""What a page's address would be mistaken for, or what Farwatch may need itself."""

_MORE = "-status"
_FORM = re.compile(r"[a-z0-9](?:-?[a-z0-9])*")


def read_slug(value: object, pointer: str = "/slug") -> str:
    """A slug as it is written. Raises BadRequest INVALID_SLUG, Refused SLUG_RESERVED."""
    if not isinstance(value, str):
        refuse("INVALID_TYPE", "this must be a string", pointer)
    if not SHORTEST <= len(value) <= LONGEST or not _FORM.fullmatch(value):
        refuse(
            "INVALID_SLUG",
            f"a slug is {SHORTEST} to {LONGEST} of a-z and 0-9, with single dashes between them",
            pointer,
        )
    if value in RESERVED or value.startswith("farwatch-"):
        raise Refused("this slug is kept for Farwatch: choose another", code="SLUG_RESERVED", field=pointer)
    return value


def slug_from(title: str) -> str:
    """A slug for a page of that title: what is left of it in a-z and 0-9, or "our-status" where nothing is."""
    plain = unicodedata.normalize("NFKD", title.replace("ß", "ss")).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[: LONGEST - len(_MORE)].rstrip("-")
    if len(slug) >= SHORTEST and slug not in RESERVED and not slug.startswith("farwatch-"):
        return slug
    return f"{slug}{_MORE}" if slug and not slug.startswith("farwatch") else f"our{_MORE}"
