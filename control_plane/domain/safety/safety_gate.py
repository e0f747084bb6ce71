"""What a submission passes: the rules in force and what the tenant has proven. Pure; services/read_gate reads it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec
from msgspec import Struct

from control_plane.domain.checks.kinds import MonitorCheck
from control_plane.domain.safety.registrable_domain import domain_of
from control_plane.domain.safety.safety import NO_RULES, Denial, Rules, Target, target_of
from control_plane.domain.safety.safety_settings import UNVERIFIED_INTERVAL_S, UNVERIFIED_MONITORS, SafetySettings
from control_plane.errors import Refused, Unavailable

DOMAIN_UNVERIFIED = "DOMAIN_UNVERIFIED"


class KillSwitch(Struct, frozen=True):
    """While it is on nothing is dispatched to anybody."""

    on: bool
    reason: str | None = None
    since: datetime | None = None


OFF = KillSwitch(on=False)


class Gate(Struct, frozen=True):
    """`verified`: domains that the tenant has proven, its subdomains included. `watched`: monitors that it has of each
    registrable domain that it has not; both are read only while the rule of domains is on.
    """

    rules: Rules = NO_RULES
    settings: SafetySettings = SafetySettings()
    kill_switch: KillSwitch = OFF
    verified: frozenset[str] = frozenset()
    watched: Mapping[str, int] = {}

    def refuse(self, check: MonitorCheck, pointer: str) -> None:
        """Raise Refused with the code of the rule that forbids the check's target."""
        denial = self.rules.find(_target(check))
        if denial is not None:
            raise denial.error(pointer)

    def refuse_unverified(self, check: MonitorCheck, *, interval_s: int, new: bool) -> None:
        """Raise Refused MIN_CHECK_INTERVAL or DOMAIN_UNVERIFIED for more than an unproven domain may have.

        `new`: the domain is not yet that of this monitor.
        """
        domain = self.unverified_domain(check)
        if domain is None:
            return
        if interval_s < UNVERIFIED_INTERVAL_S:
            message = (
                f"the interval is at least {UNVERIFIED_INTERVAL_S} s while {domain} is not verified: {remedy(domain)}"
            )
            raise Refused(message, code="MIN_CHECK_INTERVAL", field="/interval")
        if new and self.watched.get(domain, 0) >= UNVERIFIED_MONITORS:
            raise Refused(unverified_words(domain), code=DOMAIN_UNVERIFIED, field="/check")

    def unverified_domain(self, check: MonitorCheck) -> str | None:
        """The registrable domain that the tenant has to prove before it may watch more of it; None: it need not."""
        return self.unverified(_target(check))

    def unverified(self, target: Target) -> str | None:
        """The registrable domain of the target that the tenant has to prove first; None where there is none."""
        if not self.settings.require_domain_verification:
            return None
        return unproven(target, self.verified)

    def domain_counted(self, check: MonitorCheck) -> str | None:
        """The unproven domain whose number of monitors one of this check raises; None where that does not matter."""
        return self.unverified(_target(check)) if self.settings.require_domain_verification else None

    def refuse_stopped(self) -> None:
        """Raise Unavailable KILL_SWITCH_ACTIVE while nothing is dispatched."""
        if self.kill_switch.on:
            reason = self.kill_switch.reason or "no reason was given"
            message = f"The operator has stopped all checks: {reason}. Try again once they are on again"
            raise Unavailable(message, code="KILL_SWITCH_ACTIVE")


OPEN_GATE = Gate()


def unproven(target: Target, verified: frozenset[str]) -> str | None:
    """The registrable domain of the first host that is public and below no verified domain."""
    for host in target.hosts[:1]:
        domain = domain_of(host)
        if domain is not None and not covered(host, verified):
            return domain
    return None


def covered(host: str, verified: frozenset[str]) -> bool:
    """Whether the host, or a name that it is below, is verified."""
    labels = host.split(".")
    return any(".".join(labels[index:]) in verified for index in range(len(labels)))


def unverified_words(domain: str) -> str:
    """Why a monitor of an unproven domain is refused, and what helps."""
    most = UNVERIFIED_MONITORS
    return f"{domain} is not verified, so it has {most} monitor and one check an hour: {remedy(domain)}"


def unverified_denial(domain: str) -> Denial:
    return Denial(DOMAIN_UNVERIFIED, unverified_words(domain))


def remedy(domain: str) -> str:
    return f'prove that it is yours with POST /api/v1/domains {{"domain":"{domain}"}}'


def _target(check: MonitorCheck) -> Target:
    return target_of(msgspec.to_builtins(check))
