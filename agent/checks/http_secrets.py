"""The secrets of a check in every form in which a target may throw them back, and how they are masked. Pure."""

from __future__ import annotations

import binascii
import html
import json
import re
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

from shared.checks.http import HttpCheck
from shared.checks.secret_headers import is_secret_header

MASK = "***"
_SHORTEST_PART = 4
"""Characters of a part of a header's value that is masked by itself; shorter ones would mask half of any text."""

_LONGEST_CUT = 200
"""Messages show less than this of a stranger's text."""

_URL_SAFE = "/:?=&;@!$'()*+,~"


def basic(pair: tuple[str, str]) -> str:
    """RFC 7617, in UTF-8."""
    return b64encode(":".join(pair).encode()).decode()


def hidden_texts(check: HttpCheck) -> tuple[str, ...]:
    """Every text that must never leave the agent, longest first, so that none is cut by a part of it."""
    found = {form for secret in _secrets(check) if secret for form in _forms(secret)}
    return tuple(sorted(found, key=len, reverse=True))


def mask(text: str, hidden: tuple[str, ...]) -> str:
    """`text` with every secret replaced by ***."""
    for secret in hidden:
        if secret in text:
            text = text.replace(secret, MASK)
    return text


def mask_cut(text: str, hidden: tuple[str, ...]) -> str:
    """As `mask`, for a text in which a quotation may have been cut off (with …) in the middle of a secret."""
    text = mask(text, hidden)
    for secret in hidden if "…" in text else ():
        for length in range(min(len(secret) - 1, _LONGEST_CUT), 2, -1):
            text = text.replace(f"{secret[:length]}…", f"{MASK}…")
    return text


def mask_end(text: str, hidden: tuple[str, ...]) -> str:
    """As `mask`, for a text whose end may have been cut off in the middle of a secret."""
    text = mask(text, hidden)
    for secret in hidden:
        for length in range(min(len(secret), len(text)), 2, -1):
            if text.endswith(secret[:length]):
                return text[:-length] + MASK
    return text


def _secrets(check: HttpCheck) -> Iterator[str]:
    if check.basic_auth is not None:
        yield from (check.basic_auth[1], basic(check.basic_auth))
    if check.bearer_token is not None:
        yield check.bearer_token
    for name, value in check.headers.items():
        if is_secret_header(name):
            yield value
            yield from _parts(value)


def _parts(value: str) -> Iterator[str]:
    """What follows a scheme, the values of cookies, the password in a Basic credential."""
    scheme, _, rest = value.strip().partition(" ")
    if scheme.lower() == "basic":
        yield from _password(rest.strip())
    for word in re.split(r"[\s;,]+", value):
        _, equals, assigned = word.partition("=")
        for part in (word, assigned.strip('"') if equals else ""):
            if len(part) >= _SHORTEST_PART and part != scheme:
                yield part


def _password(encoded: str) -> Iterator[str]:
    try:
        _, colon, password = b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return
    if colon:
        yield password


def _forms(secret: str) -> Iterator[str]:
    """As it is, in base64, percent-encoded, within JSON and HTML, and as Latin-1, in which headers are read."""
    data = secret.encode()
    yield secret
    yield data.decode("latin-1")
    for coded in (b64encode(data).decode(), urlsafe_b64encode(data).decode()):
        yield from (coded, coded.rstrip("="))
    for safe in ("", "/", _URL_SAFE):
        yield quote(secret, safe=safe)
    yield quote_plus(secret)
    yield from (html.escape(secret), html.escape(secret, quote=False))
    for only_ascii in (True, False):
        yield json.dumps(secret, ensure_ascii=only_ascii)[1:-1]
