"""Paste anything: what a text would have us watch. Pure: nothing is resolved, asked or run.

URLs, curl commands, host and port, domains, addresses, lines of a crontab, and the commands by which people look by
hand (ping, dig, nc, openssl s_client). What the text does not settle is offered as an alternative.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, get_args
from urllib.parse import urlsplit

import msgspec

from control_plane.domain.pasted.cron_line import read_cron_line
from control_plane.domain.pasted.curl_line import is_curl, read_curl, take_user
from control_plane.domain.pasted.inferred import Inferred, NotInferredError
from control_plane.domain.safety.registrable_domain import domain_of
from shared.checks import CheckTextRefused, expand, kind_of
from shared.checks.dns import RecordType
from shared.netpolicy import Host, UrlRefused, parse_host_text

PASTE_LIMIT = 60_000
"""Characters of a pasted text: a request with its body, as browsers copy it."""

EXAMPLES = (
    "https://example.com/health, db.example.com:5432, example.com, */5 * * * *, ping example.com, or a curl command"
)

_TLS_PORTS = frozenset({443, 465, 563, 636, 853, 989, 990, 992, 993, 994, 995, 5061, 5671, 6443, 8443, 8883, 9443})
_WEB_PORTS = frozenset({80, 443, 3000, 5000, 8000, 8008, 8080, 8081, 8088, 8443, 8888, 9000, 9090, 9443})
_PORTS: Mapping[str, int] = {
    "amqp": 5672, "amqps": 5671, "clickhouse": 9000, "ftp": 21, "ftps": 990, "imap": 143, "imaps": 993, "kafka": 9092,
    "ldap": 389, "ldaps": 636, "mongodb": 27_017, "mqtt": 1883, "mqtts": 8883, "mssql": 1433, "mysql": 3306,
    "nats": 4222, "pop3": 110, "pop3s": 995, "postgres": 5432, "postgresql": 5432, "redis": 6379, "rediss": 6379,
    "rtmp": 1935, "sip": 5060, "sips": 5061, "sftp": 22, "smtp": 25, "smtps": 465, "ssh": 22, "telnet": 23,
}  # fmt: skip
"""The ports that schemes stand for where the text names none (IANA's registry, and the projects' own documentation)."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,30})://(.*)", re.DOTALL)
_HOST_PORT = re.compile(r"(\[[^\[\]\s]+\]|[^\s:/?#@\[\]]+):([0-9]{1,5})", re.ASCII)
_WITH_PATH = re.compile(r"(\[[^\[\]\s]+\]|[^\s:/?#@\[\]]+)(?::([0-9]{1,5}))?([/?#]\S*)", re.ASCII)
_WRAPPED = {"`": "`", '"': '"', "'": "'", "<": ">", "“": "”"}
_NOTHING = f"This is nothing that could be watched. Paste something like {EXAMPLES}"


def infer_check(text: str, *, wanted: str | None = None) -> Inferred:
    """What the text would have us watch; `wanted`: one of the kinds that were offered for it.

    Raises NotInferredError, with a message that holds nothing of the text.
    """
    pasted = _unwrapped(text)
    if not pasted:
        raise NotInferredError(f"Paste what to watch: {EXAMPLES}")
    if len(pasted) > PASTE_LIMIT:
        raise NotInferredError(f"This is longer than {PASTE_LIMIT} characters. Paste the address alone")
    for reader in _READERS:
        found = reader(pasted)
        if found is not None:
            return _as(found, wanted)
    raise NotInferredError(_NOTHING)


def _unwrapped(text: str) -> str:
    """Without blanks, a shell's prompt, and what chats and mails put around an address."""
    bare = text.replace("\x00", "").replace("\ufeff", "").replace("\u200b", "").strip()
    bare = re.sub(r"\A[$#>]\s+", "", bare)
    if len(bare) > 1 and _WRAPPED.get(bare[0]) == bare[-1]:
        bare = bare[1:-1].strip()
    return bare


def _as(found: Inferred, wanted: str | None) -> Inferred:
    """The reading that was asked for; the first one where there is no such."""
    if wanted is None or wanted == found.kind or wanted not in found.others:
        return found
    check = _other(wanted, found.check)
    others = tuple(kind for kind in (found.kind, *found.others) if kind != wanted)
    return Inferred(kind=wanted, check=check, name=found.name, others=others, notes=found.notes)


def _other(kind: str, check: Mapping[str, Any]) -> dict[str, Any]:
    """The same target as a check of another kind."""
    url = check.get("url", "")
    host = _host_of_url(url) if url else str(check.get("host") or check.get("name") or check.get("domain"))
    port = check.get("port") or (_port_of(url) if url else None)
    match kind:
        case "http":
            return {"type": "http", "url": _url(host, port, "")}
        case "dns":
            return {"type": "dns", "name": host}
        case "domain_expiry":
            return {"type": "domain_expiry", "domain": domain_of(host) or host}
        case "ping":
            return {"type": "ping", "host": host}
        case "tls_cert":
            return {"type": "tls_cert", "host": host, "port": port or 443}
    return {"type": "tcp", "host": host, "port": port or 443}


def _curl(text: str) -> Inferred | None:
    return read_curl(text) if is_curl(text) else None


def _by_hand(text: str) -> Inferred | None:
    """ping host, dig host MX, nc -vz host 5432, openssl s_client -connect host:443."""
    words = text.split()
    command, rest = words[0].lower(), [word for word in words[1:] if not word.startswith(("-", "+"))]
    if command not in _COMMANDS or not rest or len(words) > 30:
        return None
    return _COMMANDS[command](rest)


def _ping(rest: list[str]) -> Inferred | None:
    host = _host(rest[-1])  # values of options stand before it
    return None if host is None else Inferred(kind="ping", check={"type": "ping", "host": rest[-1]}, name=rest[-1])


def _dig(rest: list[str]) -> Inferred | None:
    types = [word.upper() for word in rest if word.upper() in get_args(RecordType)]
    servers = [word[1:] for word in rest if word.startswith("@")]
    names = [word for word in rest if word.upper() not in get_args(RecordType) and not word.startswith("@")]
    if not names or _host(names[0]) is None:
        return None
    check: dict[str, Any] = {"type": "dns", "name": names[0], "record_type": types[0] if types else "A"}
    check |= {"resolver": servers[0]} if servers and _host(servers[0]) else {}
    return Inferred(kind="dns", check=check, name=names[0])


def _connect(rest: list[str]) -> Inferred | None:
    written = rest[-1] if len(rest) == 1 else f"{rest[-2]}:{rest[-1]}"
    found = _host_and_port(written)
    return None if found is None else _as(found, "tcp")


def _openssl(rest: list[str]) -> Inferred | None:
    at = next((word for word in rest if _HOST_PORT.fullmatch(word)), None)
    found = _host_and_port(at) if at and rest[0] == "s_client" else None
    return None if found is None else Inferred(kind="tls_cert", check=_other("tls_cert", found.check), name=found.name)


_COMMANDS: Mapping[str, Callable[[list[str]], Inferred | None]] = {
    "ping": _ping, "ping6": _ping, "dig": _dig, "host": _dig, "nslookup": _dig, "nc": _connect, "ncat": _connect,
    "telnet": _connect, "openssl": _openssl,
}  # fmt: skip


def _with_scheme(text: str) -> Inferred | None:
    found = _SCHEME.fullmatch(text)
    if found is None:
        return None
    scheme, rest = found[1].lower(), found[2]
    if any(blank in rest for blank in " \t\r\n"):
        raise NotInferredError("There is a blank in this address. Paste the address alone")
    if scheme in ("http", "https"):
        return _http(text)
    if scheme in ("ws", "wss"):
        return _http(f"http{scheme[2:]}://{rest}")
    if scheme == "icmp":
        text = f"ping://{rest}"
    base = scheme.partition("+")[0]
    if base in _PORTS:
        return _service(rest, _PORTS[base])
    try:
        check = expand(text)
    except CheckTextRefused as refused:
        raise NotInferredError(_known_schemes(refused)) from None
    members = msgspec.to_builtins(check)
    given = {name: value for name, value in members.items() if value is not None}
    name = str(given.get("host") or given.get("name") or given.get("domain"))
    if _host(name) is None:
        raise NotInferredError("The host of this address is none: a name like example.com, or an IP address")
    return Inferred(kind=kind_of(check), check=given, name=name)


def _known_schemes(refused: CheckTextRefused) -> str:
    if refused.code == "INVALID_URL_SCHEME":
        return "Addresses of this scheme cannot be watched. There are https, tcp, dns, ping, tls and domain"
    return "This address cannot be read. Write it like tcp://db.example.com:5432 or dns://example.com?type=MX"


def _http(url: str) -> Inferred:
    scheme, _, rest = url.partition("://")
    taken = take_user(f"{scheme.lower()}://{rest}")
    plain, extra = (f"{scheme.lower()}://{rest}", {}) if taken is None else (taken[0], {"basic_auth": taken[1]})
    host = _host_of_url(plain)
    if not host or _host(host) is None:
        raise NotInferredError("The host of this URL is none: a name like example.com, or an IP address")
    return Inferred(
        kind="http",
        check={"type": "http", "url": plain, **extra},
        name=host,
        others=_others(host, tls=scheme == "https"),
    )


def _others(host: str, *, tls: bool) -> tuple[str, ...]:
    """What a host may be watched for besides."""
    parsed = _host(host)
    if parsed is None or parsed.is_literal:
        return ("ping", "tls_cert") if tls else ("ping",)
    registered = domain_of(host) is not None
    return ("tls_cert", "dns", *(("domain_expiry",) if registered else ()), "ping")


def _service(rest: str, port: int) -> Inferred | None:
    """What listens behind a connection string. Its credentials are left where they were."""
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[2].split(",")[0]
    found = _host_and_port(authority if _HOST_PORT.fullmatch(authority) else f"{authority}:{port}")
    if found is None:
        raise NotInferredError("The host of this address is none: a name like example.com, or an IP address")
    notes = ("User and password were left out: the check opens a connection and says nothing.",) if "@" in rest else ()
    check = {"type": "tcp", "host": found.check["host"], "port": found.check["port"]}
    others = ("tls_cert",) if check["port"] in _TLS_PORTS else ()
    return Inferred(kind="tcp", check=check, name=found.name, notes=notes, others=others)


def _host_and_port(text: str) -> Inferred | None:
    found = _HOST_PORT.fullmatch(text)
    if found is None or _host(found[1]) is None or not 1 <= int(found[2]) <= 65_535:
        return None
    port, host = int(found[2]), found[1].removeprefix("[").removesuffix("]")
    check = {"type": "tcp", "host": host, "port": port}
    likely = [("tls_cert", port in _TLS_PORTS), ("tcp", True), ("http", port in _WEB_PORTS)]
    first, *others = [kind for kind, is_likely in likely if is_likely]
    return Inferred(
        kind=first, check=check if first == "tcp" else _other(first, check), name=host, others=tuple(others)
    )


def _with_path(text: str) -> Inferred | None:
    """example.com/health, localhost:8080/health."""
    found = _WITH_PATH.fullmatch(text)
    if found is None or _host(found[1]) is None or not _is_telling(found[1]):
        return None
    return _http(_url(found[1].strip("[]"), int(found[2]) if found[2] else None, found[3]))


def _bare(text: str) -> Inferred | None:
    """A domain or an address alone."""
    host = _host(text)
    if host is None or not _is_telling(text):
        return None
    name = text.strip("[]").rstrip(".")
    if host.is_literal:
        return Inferred(kind="ping", check={"type": "ping", "host": name}, name=name, others=("http",))
    check = {"type": "http", "url": _url(name, None, "")}
    return Inferred(kind="http", check=check, name=name, others=_others(name, tls=True))


def _is_telling(host: str) -> bool:
    """Whether it looks like a host: one plain word could be anything."""
    return "." in host or ":" in host or host.lower() == "localhost"


def _url(host: str, port: int | None, path: str) -> str:
    """Over TLS, unless the port or an inner name says that there is none."""
    inner = port is None and "." not in host and ":" not in host
    scheme = "http" if inner or (port is not None and port not in _TLS_PORTS) else "https"
    shown = f"[{host}]" if ":" in host else host
    usual = {"http": 80, "https": 443}[scheme]
    at = "" if port in (None, usual) else f":{port}"
    return f"{scheme}://{shown}{at}{path if path.startswith('/') else f'/{path}'}"


def _host(text: str) -> Host | None:
    try:
        return parse_host_text(text)
    except UrlRefused:
        return None


def _host_of_url(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _port_of(url: str) -> int | None:
    try:
        return urlsplit(url).port
    except ValueError:
        return None


_READERS: tuple[Callable[[str], Inferred | None], ...] = (
    _curl,
    read_cron_line,
    _with_scheme,
    _by_hand,
    _host_and_port,
    _with_path,
    _bare,
)
"""In this order; the first that knows the text has it."""
