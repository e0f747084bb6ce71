"""Judging: what a policy lets through. Pure; the agent and the control plane use the same functions."""

from __future__ import annotations

from collections.abc import Iterable

from shared.netpolicy.model import Address, HttpUrl, Policy


def blocked_reason(address: Address, policy: Policy, *, literal: bool) -> str | None:
    """Why `address` may not be dialled, or None. `literal`: written in a URL, not a DNS answer."""
    raise NotImplementedError


def special_name(host: str) -> str | None:
    """Why a name is never public (RFC 6761 and others), or None."""
    raise NotImplementedError


def judge_address(address: Address, policy: Policy, *, literal: bool) -> None:
    """Raise UrlRefused SSRF_BLOCKED when the address is blocked."""
    raise NotImplementedError


def judge_host(url: HttpUrl, policy: Policy) -> None:
    """Raise UrlRefused SSRF_BLOCKED or PORT_BLOCKED. A name is judged as a name; its answers by judge_answers."""
    raise NotImplementedError


def judge_answers(addresses: Iterable[Address], policy: Policy, *, aliases: Iterable[str] = ()) -> None:
    """Raise UrlRefused SSRF_BLOCKED when any answer, or any CNAME target in `aliases`, is blocked."""
    raise NotImplementedError


def judge_redirect(from_url: HttpUrl, location: str, *, has_credentials: bool, policy: Policy) -> HttpUrl:
    """The target of a Location header (RFC 9110 section 10.2.2), or UrlRefused REDIRECT_BLOCKED."""
    raise NotImplementedError
