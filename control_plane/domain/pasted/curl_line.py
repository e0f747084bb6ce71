"""A curl command line as an `http` check: read, never run (curl(1)).

What curl would send is taken over; where it would write, log or retry is its own business and is passed over. Notes
name options only. Nothing of the command is ever repeated in an error: it may carry credentials.
"""

from __future__ import annotations

import base64
import binascii
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from control_plane.domain.checks.header_rules import is_reserved
from control_plane.domain.pasted.inferred import Inferred, NotInferredError

_CONTINUED = re.compile(r"[\\^]\r?\n")
_ANSI = re.compile(r"(?<![\w\\$])\$'((?:[^'\\]|\\.)*)'", re.DOTALL)
_ANSI_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|([0-7]{1,3})|(.))", re.DOTALL)
_ANSI_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "a": "\a", "e": "\x1b"}
_VARIABLE = re.compile(r"\$\{?[A-Za-z_]")
_ENDS = frozenset({"|", "||", "&", "&&", ";", ">", ">>", "<", "2>", "2>&1", "&>"})

_SHORT_WITH_VALUE = frozenset("ACDEFHKPQTUXYbcdehmoQrtuwxyz")
_LONG = {
    "request": "X", "header": "H", "data": "d", "data-ascii": "d", "data-raw": "raw", "data-binary": "binary",
    "data-urlencode": "urlencode", "json": "json", "user": "u", "oauth2-bearer": "bearer", "url": "url",
    "user-agent": "A", "referer": "e", "cookie": "b", "max-time": "m", "max-redirs": "redirs", "form": "F",
    "upload-file": "T", "get": "G", "head": "I", "insecure": "k", "location": "L", "location-trusted": "L",
}  # fmt: skip
"""Long options that say what is sent, by what stands for them here."""

_SENDS = frozenset("XHduAebmFTGIkL") | {value for value in _LONG.values() if len(value) > 1}
_PLAIN = frozenset("GIkL")
_LONG_WITH_VALUE = frozenset(
    {
        "output", "connect-timeout", "retry", "retry-delay", "retry-max-time", "write-out", "cacert", "capath", "cert",
        "cert-type", "key", "key-type", "pass", "resolve", "connect-to", "proxy", "proxy-user", "noproxy", "range",
        "cookie-jar", "dump-header", "interface", "limit-rate", "config", "ciphers", "tls13-ciphers", "tls-max",
        "unix-socket", "max-filesize", "stderr", "trace", "trace-ascii", "aws-sigv4", "speed-limit", "speed-time",
        "dns-servers", "doh-url", "form-string", "proto", "proto-default", "local-port", "keepalive-time", "netrc-file",
        "time-cond", "hostpubmd5", "pinnedpubkey", "socks5", "socks5-hostname", "socks4", "preproxy", "service-name",
    }
)  # fmt: skip
_NOTED = {
    "resolve": "--resolve", "connect-to": "--connect-to", "proxy": "--proxy", "x": "--proxy", "cert": "--cert",
    "E": "--cert", "key": "--key", "cacert": "--cacert", "F": "--form", "form-string": "--form-string",
    "T": "--upload-file", "aws-sigv4": "--aws-sigv4", "unix-socket": "--unix-socket", "range": "--range",
    "r": "--range", "K": "--config", "config": "--config", "digest": "--digest", "ntlm": "--ntlm",
    "negotiate": "--negotiate", "n": "--netrc", "netrc": "--netrc", "netrc-file": "--netrc-file",
}  # fmt: skip
"""Options that change what is asked and that a check has nothing for."""


@dataclass
class _Command:
    """What the options add up to."""

    urls: list[str] = field(default_factory=list)
    method: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    data: list[str] = field(default_factory=list)
    credentials: dict[str, Any] = field(default_factory=dict)
    timeout: int | None = None
    max_redirects: int | None = None
    flags: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)

    def note(self, sentence: str) -> None:
        if sentence not in self.notes:
            self.notes.append(sentence)

    def header(self, name: str, value: str) -> None:
        """The last of a name counts, whatever its case."""
        for known in [known for known in self.headers if known.lower() == name.lower()]:
            del self.headers[known]
        self.headers[name] = value


def is_curl(text: str) -> bool:
    """Whether the text is a curl command."""
    return re.match(r"(?:\S*[/\\])?curl(?:\.exe)?(?:\s|\Z)", text, re.IGNORECASE) is not None


def read_curl(text: str) -> Inferred:
    """The `http` check of a curl command. Raises NotInferredError for one that cannot be read or names no URL."""
    command = _Command()
    for option, value in _options(_words(text), command):
        _take(command, option, value)
    if any(_VARIABLE.search(each) for each in (*command.headers.values(), *command.urls)):
        command.note("The command uses a shell variable: put its value in, nothing was filled in for it.")
    if not command.urls:
        raise NotInferredError("This curl command names no URL. Paste it whole, with the address that it asks")
    if len(command.urls) > 1:
        command.note("The command asks several URLs: the first was taken.")
    url = _without_user(command, command.urls[0])
    check = _check(command, url)
    return Inferred(kind="http", check=check, name=_host(url), notes=tuple(command.notes))


def _words(text: str) -> list[str]:
    joined = _ANSI.sub(lambda found: shlex.quote(_unescaped(found[1])), _CONTINUED.sub(" ", text))
    try:
        words = shlex.split(joined, posix=True)
    except ValueError:
        raise NotInferredError("This curl command has a quote that does not end. Paste it whole") from None
    end = next((at for at, word in enumerate(words) if word in _ENDS), len(words))
    return words[1:end]


def _unescaped(text: str) -> str:
    r"""The contents of $'…', as browsers write them when they copy a request: \n, \x41, \u00e9 (bash(1), QUOTING)."""

    def one(found: re.Match[str]) -> str:
        if found[1] or found[2]:
            return chr(int(found[1] or found[2], 16))
        return chr(int(found[3], 8)) if found[3] else _ANSI_LETTERS.get(found[4], found[4])

    return _ANSI_ESCAPE.sub(one, text)


def _options(words: list[str], command: _Command) -> Iterator[tuple[str, str]]:
    """(option, value) in order; a URL is the option "url"."""
    rest = iter(words)
    for word in rest:
        if word.startswith("--") and len(word) > 2:
            yield from _long(word[2:], rest, command)
        elif word.startswith("-") and len(word) > 1:
            yield from _short(word[1:], rest, command)
        elif word.strip():
            yield "url", word.strip()


def _long(name: str, rest: Iterator[str], command: _Command) -> Iterator[tuple[str, str]]:
    if name in _NOTED:
        command.note(f"Left out: {_NOTED[name]}.")
    option = _LONG.get(name)
    if option in _PLAIN:
        yield str(option), ""
    elif option is not None:
        yield option, next(rest, "")
    elif name in _LONG_WITH_VALUE:
        next(rest, "")


def _short(letters: str, rest: Iterator[str], command: _Command) -> Iterator[tuple[str, str]]:
    """Letters may stand together, and a value may follow its letter at once: -sSLXPOST."""
    for at, letter in enumerate(letters):
        if letter in _NOTED:
            command.note(f"Left out: {_NOTED[letter]}.")
        if letter in _SHORT_WITH_VALUE:
            value = letters[at + 1 :] or next(rest, "")
            if letter in _SENDS:
                yield letter, value
            return
        if letter in _PLAIN:
            yield letter, ""


def _take(command: _Command, option: str, value: str) -> None:
    match option:
        case "url":
            command.urls.append(value)
        case "X":
            command.method = value.upper()
        case "H":
            _take_header(command, value)
        case "d" | "raw" | "binary" | "urlencode" | "json":
            _take_data(command, option, value)
        case "u":
            user, _, password = value.partition(":")
            command.credentials = {"basic_auth": [user, password]}
        case "bearer":
            command.credentials = {"bearer_token": value}
        case "A":
            command.header("User-Agent", value)
        case "e":
            command.header("Referer", value)
        case "b" if "=" in value:
            command.header("Cookie", value)
        case "b":
            command.note("Left out: --cookie, which names a file.")
        case "m" | "redirs":
            _take_number(command, option, value)
        case _:
            command.flags.add(option)


def _take_header(command: _Command, value: str) -> None:
    name, colon, text = value.partition(":")
    name, text = name.strip(), text.strip()
    if not colon or not text or not name:  # "Name:" takes a header away, "Name;" sends an empty one
        return
    if is_reserved(name):
        known = name.lower() if re.fullmatch(r"[A-Za-z-]{1,40}", name) else "a header"
        command.note(f"Left out: {known}, which the agent sets by itself.")
    elif name.lower() != "authorization" or not _take_authorization(command, text):
        command.header(name, text)


def _take_authorization(command: _Command, value: str) -> bool:
    """Whether the header's value is a credential that a check has a field for."""
    scheme, _, secret = value.partition(" ")
    if scheme.lower() == "bearer" and secret.strip():
        command.credentials = {"bearer_token": secret.strip()}
        return True
    if scheme.lower() != "basic":
        return False
    try:
        pair = base64.b64decode(secret.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return False
    user, colon, password = pair.partition(":")
    if colon:
        command.credentials = {"basic_auth": [user, password]}
    return bool(colon)


def _take_data(command: _Command, option: str, value: str) -> None:
    if option != "raw" and value.startswith("@"):
        command.note("Left out: data that the command reads from a file.")
        return
    if option == "urlencode":
        name, equals, text = value.partition("=")
        value = f"{name}{equals}{quote(text, safe='')}" if equals else quote(value, safe="")
    if option == "json":
        for name in ("Content-Type", "Accept"):
            if not _has(command.headers, name):
                command.header(name, "application/json")
    command.data.append(value)
    command.flags.add(option)


def _take_number(command: _Command, option: str, value: str) -> None:
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", value, re.ASCII):
        return
    if option == "m":
        command.timeout = min(max(round(float(value) * 1000), 1000), 60_000)
    else:
        command.max_redirects = min(int(float(value)), 10)


def _has(headers: Mapping[str, str], name: str) -> bool:
    return any(known.lower() == name.lower() for known in headers)


def _check(command: _Command, url: str) -> dict[str, Any]:
    body = ("" if "json" in command.flags else "&").join(command.data)
    in_query = "G" in command.flags and bool(command.data)
    if in_query:
        url, body = f"{url}{'&' if '?' in url else '?'}{body}", ""
    sends = bool(command.data) and not in_query
    if sends and not _has(command.headers, "Content-Type"):
        command.header("Content-Type", "application/x-www-form-urlencoded")
    usual = "POST" if sends else "HEAD" if "I" in command.flags else "GET"
    check: dict[str, Any] = {"type": "http", "url": url, "method": command.method or usual}
    check |= {"headers": command.headers} if command.headers else {}
    check |= {"body": body} if sends else {}
    check |= {"verify_tls": False} if "k" in command.flags else {}
    check |= {"follow_redirects": "L" in command.flags}
    check |= {} if command.timeout is None else {"timeout": command.timeout}
    check |= {} if command.max_redirects is None else {"max_redirects": command.max_redirects}
    if "L" not in command.flags:
        command.note("Redirects are not followed, as curl does not without -L.")
    return check | command.credentials


def _without_user(command: _Command, url: str) -> str:
    """The URL with a scheme (curl means http where there is none), its user and password moved to where they belong."""
    if "://" not in url[:12]:
        url = f"http://{url}"
    return url if (taken := take_user(url)) is None else _kept(command, taken)


def _kept(command: _Command, taken: tuple[str, list[str]]) -> str:
    command.credentials = command.credentials or {"basic_auth": taken[1]}
    return taken[0]


def take_user(url: str) -> tuple[str, list[str]] | None:
    """The URL without its user and password, and both of them decoded; None where there are none."""
    scheme, _, rest = url.partition("://")
    end = min((at for at in (rest.find(mark) for mark in "/?#") if at >= 0), default=len(rest))
    user_info, at, host = rest[:end].rpartition("@")
    if not at:
        return None
    user, _, password = user_info.partition(":")
    return f"{scheme}://{host}{rest[end:]}", [unquote(user), unquote(password)]


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "")[:100]
    except ValueError:
        return ""
