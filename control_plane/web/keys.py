"""How keys are written on the wire: the same for operator and tenant."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta
from msgspec.structs import asdict

from control_plane.domain.tenants.credentials import SCOPES
from control_plane.services.tenants.issue_api_key import IssuedKey
from control_plane.store.api_keys import ApiKey

Label = Annotated[str, Meta(min_length=3, max_length=100)]
Scope = Literal[SCOPES]  # type: ignore[valid-type]


class NewKey(ApiKey, frozen=True, kw_only=True):
    """A key with its secret, which is shown this once."""

    key: str


def new_key(issued: IssuedKey) -> NewKey:
    """The answer of whoever made or rotated a key."""
    return NewKey(**asdict(issued.record), key=issued.key)
