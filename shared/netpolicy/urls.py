"""The grammar of URLs: stricter than any library's, so that no two readers see different hosts."""

from __future__ import annotations

from shared.netpolicy.model import HttpUrl

URL_LIMIT = 2048


def parse_http_url(text: str, *, limit: int = URL_LIMIT) -> HttpUrl:
    """Parse and canonicalise. Raises UrlRefused INVALID_URL_SCHEME or INVALID_URL_FORMAT, nothing else."""
    raise NotImplementedError
