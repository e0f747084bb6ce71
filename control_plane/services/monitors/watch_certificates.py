"""Certificates that results carry: remember each one, and tell once of one that takes another's place.

A batch without certificates costs a look at its items. One with certificates that are known already costs one
statement that reads. Only a certificate that is new to its monitor goes the judged way, under the state row's lock.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from uuid import UUID

from msgspec import UNSET

from control_plane.domain.alerting import alerting
from control_plane.domain.alerting.alerting import CertificateChange, MonitorFacts
from control_plane.domain.instants import from_unix_s
from control_plane.store import certificates
from control_plane.store.certificates import Shown, Sighting
from control_plane.store.pool import Connection
from shared.results import CheckResult, Outcome

_FINGERPRINT = re.compile(r"[0-9a-f]{64}")

Told = tuple[str, UUID, str]
"""(event, monitor, one-line JSON)."""


def sightings(items: Sequence[CheckResult]) -> list[Sighting]:
    """The certificates that these results carry. An `error` saw nothing; what is no SHA-256 is no fingerprint."""
    return [
        Sighting(
            monitor_id=item.monitor_id,
            fingerprint=facts.fingerprint,
            slot=item.slot,
            check_version=item.check_version,
            subject=facts.subject,
            issuer=facts.issuer,
            not_after=facts.not_after,
        )
        for item in items
        if item.detail is not UNSET
        and (facts := item.detail.certificate) is not None
        and item.outcome is not Outcome.ERROR
        and _FINGERPRINT.fullmatch(facts.fingerprint)
    ]


async def add_certificates(
    conn: Connection, seen: Sequence[Sighting], *, region_id: int, monitors: Mapping[UUID, MonitorFacts]
) -> list[Told]:
    """Write down the certificates that these monitors, whose state rows are locked, show for the first time.

    Returns an event for each that takes the place of another: the first one that a monitor ever shows is no change.
    """
    seen = [one for one in seen if one.monitor_id in monitors]
    if not seen:
        return []
    found = {(one.monitor_id, one.fingerprint): one for one in reversed(seen)}
    shown = await certificates.add_certificates(conn, seen, region_id=region_id)
    return [
        alerting.certificate_event(
            monitors[one.monitor_id], _change(one, one.previous, found[one.monitor_id, one.fingerprint])
        )
        for one in shown
        if one.previous is not None
    ]


def _change(shown: Shown, previous: str, seen: Sighting) -> CertificateChange:
    return CertificateChange(
        region=shown.region,
        fingerprint=shown.fingerprint,
        previous=previous,
        subject=seen.subject,
        issuer=seen.issuer,
        not_after=from_unix_s(seen.not_after),
    )
