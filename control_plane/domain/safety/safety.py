"""What may not be watched: the operator's deny rules and the opt-outs of owners, compiled and matched. Pure.

| rule | matches | code |
|---|---|---|
| domain | the host and every name below it | DOMAIN_DENYLISTED |
| url_glob | the whole URL; `*` is any text, `?` one character | URL_PATTERN_BLOCKED |
| url_regex | anywhere in the URL, RE2 without regard to case | URL_PATTERN_BLOCKED |
| cidr | a literal address in the network | ABUSE_BLOCKED |
| opt-out | as a domain | DOMAIN_OPTED_OUT |

A check that is not of HTTP has a URL as well: its kind, its host and its port, such as tcp://db.example.com:5432.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from ipaddress import ip_address, ip_network
from typing import Any, Literal
from urllib.parse import unquote, urlsplit
from uuid import UUID

import re2
from msgspec import Struct

from control_plane.domain.field_rules import refuse
from control_plane.errors import Refused
from shared.netpolicy import UrlRefused, parse_host_text

RuleKind = Literal["domain", "url_glob", "url_regex", "cidr"]
PATTERN_LIMIT = 512
"""Characters of a pattern."""

PATTERN_MEMORY = 1 << 20
"""Bytes that a compiled pattern may take."""


class DenyRule(Struct, frozen=True):
    """One of the operator's rules; `value` is canonical."""

    id: UUID
    kind: str
    value: str
    reason: str


class Denial(Struct, frozen=True):
    """Why a target is not watched: as an error's code and message, and as a monitor shows it."""

    code: str
    message: str

    def error(self, field: str) -> Refused:
        """The refusal of a submission."""
        return Refused(self.message, code=self.code, field=field, details={"reason": self.code})


class Target(Struct, frozen=True):
    """What a check, or a channel, is directed at: every host that is spoken to, and its URLs in canonical spelling."""

    hosts: tuple[str, ...]
    urls: tuple[str, ...]


class Rules:
    """Rules in the form in which they are matched. Domains are found by their labels, however many there are."""

    def __init__(self, rules: Iterable[DenyRule] = (), opt_outs: Iterable[str] = ()) -> None:
        rules = tuple(rules)
        self._domains = {rule.value: rule for rule in rules if rule.kind == "domain"}
        self._opt_outs = frozenset(opt_outs)
        self._networks = [(ip_network(rule.value), rule) for rule in rules if rule.kind == "cidr"]
        self._patterns = [(_compiled(rule.kind, rule.value), rule) for rule in rules if rule.kind.startswith("url_")]

    def find(self, target: Target) -> Denial | None:
        """The first rule that forbids the target: by domain, by owner, by network, by URL."""
        for host in target.hosts:
            found = self._of_host(host)
            if found is not None:
                return found
        for pattern, rule in self._patterns:
            if any(pattern.search(url) for url in target.urls):
                return Denial("URL_PATTERN_BLOCKED", f"URLs like this are on the operator's deny list: {rule.reason}")
        return None

    def _of_host(self, host: str) -> Denial | None:
        for name in _names_above(host):
            if name in self._domains:
                reason = self._domains[name].reason
                return Denial("DOMAIN_DENYLISTED", f"{name} is on the operator's deny list: {reason}")
            if name in self._opt_outs:
                return Denial("DOMAIN_OPTED_OUT", f"The owner of {name} asked that it is not watched")
        if not self._networks or (address := _address(host)) is None:
            return None
        for network, rule in self._networks:
            if address in network:
                return Denial("ABUSE_BLOCKED", f"{network} is on the operator's deny list: {rule.reason}")
        return None


NO_RULES = Rules()


def target_of(check: Mapping[str, Any]) -> Target:
    """The target of a check's JSON object; of a kind without regions, and of one that cannot be read, it is empty."""
    url, kind = check.get("url"), check.get("type", "")
    if isinstance(url, str):
        return target_of_url(url)
    named = [check.get(field) for field in ("host", "name", "domain")]
    hosts = [_canonical(name) for name in named if isinstance(name, str)]
    if not hosts:
        return Target((), ())
    port = f":{check['port']}" if check.get("port") is not None else ""
    resolver = _resolver_host(check.get("resolver"))
    return Target((*hosts, *resolver), tuple(f"{kind}://{host}{port}" for host in hosts))


def target_of_url(url: str) -> Target:
    """The target of an HTTP URL. Percent-encoding hides nothing: the decoded spelling is matched as well."""
    try:
        parts = urlsplit(url)
        host = _canonical(parts.hostname or "")
        port = f":{parts.port}" if parts.port is not None else ""
    except ValueError:
        return Target((), (url,))
    shown = f"[{host}]" if ":" in host else host
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    whole = f"{parts.scheme.lower()}://{shown}{port}{path}"
    return Target((host,), tuple(dict.fromkeys((whole, unquote(whole)))))


def read_rule_value(kind: str, value: str, pointer: str = "/value") -> str:
    """The canonical value of a rule. Raises BadRequest INVALID_DENY_RULE."""
    text = value.strip()
    try:
        match kind:
            case "domain":
                return read_name(text)
            case "cidr":
                return str(ip_network(text))
            case _:
                _compiled(kind, text)
                return text
    except UrlRefused as refused:
        refuse("INVALID_DENY_RULE", refused.message, pointer)
    except ValueError:
        refuse("INVALID_DENY_RULE", f"{text[:60]!r} is no network such as 192.0.2.0/24", pointer)
    except re2.error:
        refuse("INVALID_DENY_RULE", f"this is no RE2 expression of at most {PATTERN_LIMIT} characters", pointer)


def read_name(text: str) -> str:
    """A host or domain in canonical form; a URL is reduced to its host. Raises UrlRefused."""
    if "://" in text:
        text = urlsplit(text).hostname or ""
    return parse_host_text(text.removeprefix("*.").removesuffix(".")).name


def _compiled(kind: str, value: str) -> Any:
    if not 1 <= len(value) <= PATTERN_LIMIT:
        raise re2.error("length")
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = False
    options.max_mem = PATTERN_MEMORY
    if kind == "url_glob":
        value = "^" + "".join(_GLOB.get(char, re.escape(char)) for char in value) + "$"
    return re2.compile(value, options)


_GLOB = {"*": ".*", "?": "."}


def _names_above(host: str) -> Iterable[str]:
    """The host itself, then every name that it is below."""
    yield host
    while "." in host:
        host = host.partition(".")[2]
        yield host


def _address(host: str) -> Any:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _canonical(host: str) -> str:
    try:
        return parse_host_text(host).name
    except UrlRefused:
        return host.strip("[]").rstrip(".").lower()


def _resolver_host(resolver: object) -> tuple[str, ...]:
    """The host of `host`, `host:port`, `[v6]:port` or a URL of a resolver."""
    if not isinstance(resolver, str) or not resolver:
        return ()
    text = resolver if "://" in resolver else f"dns://{resolver}"
    try:
        return (_canonical(urlsplit(text).hostname or ""),)
    except ValueError:
        return (_canonical(resolver),)
