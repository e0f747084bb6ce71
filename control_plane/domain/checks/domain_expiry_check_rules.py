"""The fields of a `domain_expiry` check. What is registered, and expires, is the label below a public suffix."""

from __future__ import annotations

from functools import cache, partial

from publicsuffixlist import PublicSuffixList

from control_plane.domain.checks.check_field_rules import (
    critical_days,
    dns_name,
    refuse_late_warning,
    timeout,
    warn_days,
)
from control_plane.domain.checks.kind_rules import KindRules, Place
from control_plane.domain.field_rules import refuse
from shared.checks.domain_expiry import DomainExpiryCheck
from shared.netpolicy import Policy, parse_host_text, special_name

CODE = "INVALID_DOMAIN_PARAMS"


@cache
def _suffixes() -> PublicSuffixList:
    """The list that comes with the library. Only ICANN's part: below a private suffix no registry sells anything."""
    return PublicSuffixList(only_icann=True)


def domain(value: object, pointer: str) -> str:
    """A registrable domain, kept as written."""
    written = dns_name(value, pointer, code=CODE)
    name = parse_host_text(written).name
    if "_" in name:
        refuse(CODE, "a registered domain has no underscore", pointer)
    registrable = _suffixes().privatesuffix(name)
    if registrable is None:
        refuse(CODE, "this is a public suffix or a single label; a registered domain is like example.com", pointer)
    if registrable != name:
        refuse(CODE, f"only registered domains expire: use {registrable}", pointer)
    return written


def refuse_blocked(check: DomainExpiryCheck, policy: Policy, at: Place) -> None:
    """Raise BadRequest for a name under a suffix that no public registry has."""
    reason = None if policy.is_private else special_name(parse_host_text(check.domain).name)
    if reason is not None:
        refuse(CODE, f"no public registry has this domain: {reason}", at("domain"))


def refuse_conflicts(check: DomainExpiryCheck, pointer: str) -> None:
    """Raise BadRequest when the warning would not come before the alarm."""
    refuse_late_warning(warn=check.warn_days, critical=check.critical_days, pointer=pointer, code=CODE)


RULES = KindRules(
    fields={
        "domain": domain,
        "warn_days": partial(warn_days, code=CODE),
        "critical_days": partial(critical_days, code=CODE),
        "timeout": timeout,
    },
    required=("domain",),
    target=("domain",),
    refuse_blocked=refuse_blocked,
    refuse_conflicts=refuse_conflicts,
    interval_floor_s=3_600,
    default_interval_s=86_400,
    default_alert_on="degraded",
    fast_confirmation=False,  # registries limit how often they are asked, and a date does not change in seconds
)
