"""Which parts of a check are secret, and how they are taken out and put back. Pure.

A check is stored twice: in the open with `***` where a secret was, and the secrets alone, sealed. Invariant:
`join(*split(check)) == check`, and nothing secret is left in the first half of a split.
"""

from __future__ import annotations

from msgspec import Struct, structs

from control_plane.domain.checks.kinds import MonitorCheck
from shared.checks.http import HttpCheck
from shared.checks.secret_headers import is_secret_header

MASK = "***"
"""What stands where a secret is. A write that contains it is refused (REDACTION_SENTINEL)."""


class CheckSecrets(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The secrets of one check: what is sealed as one JSON object. Header names as written in the check."""

    password: str | None = None
    bearer_token: str | None = None
    headers: dict[str, str] = {}

    @property
    def empty(self) -> bool:
        return self.password is None and self.bearer_token is None and not self.headers


def split(check: MonitorCheck) -> tuple[MonitorCheck, CheckSecrets]:
    """The check with `***` for every secret, and the secrets. Only `http` has any."""
    if not isinstance(check, HttpCheck):
        return check, CheckSecrets()
    headers = {name: value for name, value in check.headers.items() if is_secret_header(name)}
    secrets = CheckSecrets(
        password=None if check.basic_auth is None else check.basic_auth[1],
        bearer_token=check.bearer_token,
        headers=headers,
    )
    masked = structs.replace(
        check,
        basic_auth=None if check.basic_auth is None else (check.basic_auth[0], MASK),
        bearer_token=None if check.bearer_token is None else MASK,
        headers={name: MASK if name in headers else value for name, value in check.headers.items()},
    )
    return masked, secrets


def join(masked: MonitorCheck, secrets: CheckSecrets) -> MonitorCheck:
    """The check as it was before `split`. A secret that is not there stays `***`."""
    if not isinstance(masked, HttpCheck):
        return masked
    basic_auth = masked.basic_auth
    if basic_auth is not None and secrets.password is not None:
        basic_auth = (basic_auth[0], secrets.password)
    return structs.replace(
        masked,
        basic_auth=basic_auth,
        bearer_token=masked.bearer_token if secrets.bearer_token is None else secrets.bearer_token,
        headers={name: secrets.headers.get(name, value) for name, value in masked.headers.items()},
    )
