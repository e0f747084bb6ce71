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
_SHORTEST_HEADER = 4
"""Characters of a header's value, or of a part of it, that is masked at all; shorter ones stand in any text."""

_SHORTEST_ANYWHERE = 6
"""Shorter secrets are masked only as words: within longer words and numbers they stand by chance."""

_SHORTEST_CUT = 3
"""Characters that are left of a secret that was cut off, from which it is told apart from chance."""

_BARE_WORDS = frozenset(("true", "false", "yes", "no", "null", "none"))
"""Settings, not secrets, even in a cookie; any JSON has them."""

_LONGEST_CUT = 200
"""Messages show less than this of a stranger's text."""

_QUOTED = re.compile(r" is |, Retry-After ")
"""What a message of ours says before it quotes the target; it says nothing of the target's before that."""

_URL_SAFE = "/:?=&;@!$'()*+,~"


def basic(pair: tuple[str, str]) -> str:
    """RFC 7617, in UTF-8."""
    return b64encode(":".join(pair).encode()).decode()


def carries_secret(check: HttpCheck) -> bool:
    """Whether the request has any secret, however short. Cheap: each check asks, also when the target is up."""
    if check.basic_auth is not None or check.bearer_token:
        return True
    return any(value and is_secret_header(name) for name, value in check.headers.items())


def hidden_texts(check: HttpCheck) -> tuple[str, ...]:
    """Every text that must never leave the agent, longest first, so that none is cut by a part of it.

    Takes up to milliseconds for long cookies: for evidence and messages only.
    """
    found = {form for secret in _secrets(check) if secret for form in _forms(secret)}
    return tuple(sorted(found, key=len, reverse=True))


def mask(text: str, hidden: tuple[str, ...]) -> str:
    """`text` with every secret replaced by ***; short ones only where they are a word."""
    for secret in hidden:
        if secret not in text:
            continue
        if len(secret) < _SHORTEST_ANYWHERE:
            text = re.sub(rf"(?:(?<![^\W_])|(?<=%[0-9A-Fa-f]{{2}})){re.escape(secret)}(?![^\W_])", MASK, text)
        else:
            text = text.replace(secret, MASK)
    return text


def mask_cut(message: str, hidden: tuple[str, ...]) -> str:
    """As `mask`, for a message of ours, in which a quotation may have been cut off (with …) in the middle of a secret.

    Short secrets are masked in what it quotes only: its own words and status numbers stay.
    """
    long = tuple(secret for secret in hidden if len(secret) >= _SHORTEST_ANYWHERE)
    text = mask(message, long)
    for secret in long if "…" in text else ():
        for length in range(min(len(secret) - 1, _LONGEST_CUT), _SHORTEST_CUT - 1, -1):
            text = text.replace(f"{secret[:length]}…", f"{MASK}…")
    lead = _QUOTED.search(text)
    return text if lead is None else text[: lead.end()] + mask(text[lead.end() :], hidden[len(long) :])


def mask_end(text: str, hidden: tuple[str, ...]) -> str:
    """As `mask`, for a text whose end may have been cut off in the middle of a secret."""
    start = min((_cut_off(text, secret) for secret in hidden), default=len(text))
    for secret in hidden:  # one that reaches into the end goes with it, lest half of it stay
        at = text.find(secret, max(0, start - len(secret) + 1))
        start = min(start, at) if at >= 0 else start
    return mask(text[:start], hidden) + (MASK if start < len(text) else "")


def _cut_off(text: str, secret: str) -> int:
    """Where the longest end of `text` begins that is a beginning of `secret`; the length of `text` if none is."""
    head = secret[:_SHORTEST_CUT]
    at = text.find(head, max(0, len(text) - len(secret)))
    while at >= 0 and not (secret.startswith(text[at:]) and _may_begin(text, at, secret)):
        at = text.find(head, at + 1)
    return at if at >= 0 else len(text)


def _may_begin(text: str, at: int, secret: str) -> bool:
    return len(secret) >= _SHORTEST_ANYWHERE or at == 0 or not text[at - 1].isalnum()


def _secrets(check: HttpCheck) -> Iterator[str]:
    if check.basic_auth is not None:
        yield from (check.basic_auth[1], basic(check.basic_auth))
    if check.bearer_token is not None:
        yield check.bearer_token
    for name, value in check.headers.items():
        if is_secret_header(name):
            yield from filter(_is_telling, (value, *_parts(value)))


def _parts(value: str) -> Iterator[str]:
    """What follows a scheme, the values of cookies, the password in a Basic credential."""
    scheme, _, rest = value.strip().partition(" ")
    if scheme.lower() == "basic":
        yield from _password(rest.strip())
    for word in re.split(r"[\s;,]+", value):
        _, equals, assigned = word.partition("=")
        for part in (word, assigned.strip('"') if equals else ""):
            if part != scheme:
                yield part


def _is_telling(value: str) -> bool:
    """Whether a header's value is worth masking: a version, a flag or a count is not, and any text has those."""
    if len(value) >= _SHORTEST_ANYWHERE:
        return True
    return len(value) >= _SHORTEST_HEADER and not value.isdecimal() and value.lower() not in _BARE_WORDS


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
