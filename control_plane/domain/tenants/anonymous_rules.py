"""What people without an account decide about their one monitor or page. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from control_plane.errors import BadRequest, Refused, TooMany

WINDOW_S = 3600
"""What creations are counted over."""

TARGET = ("url", "host", "port", "name", "domain", "server_name", "resolver")
"""Members of a check that say what is asked, and whom."""


def read_public(body: Mapping[str, Any]) -> tuple[bool | None, dict[str, Any]]:
    """`is_public` of a body, None where it is absent, and the rest. Null is false. Raises BadRequest INVALID_TYPE."""
    rest = {name: value for name, value in body.items() if name != "is_public"}
    if "is_public" not in body:
        return None, rest
    given = body["is_public"]
    if given is None or isinstance(given, bool):
        return bool(given), rest
    raise BadRequest("is_public is true or false", code="INVALID_TYPE", field="/is_public")


def refuse_shared(body: Mapping[str, Any]) -> None:
    """Raise Refused NOT_FOR_MANAGE_KEYS for fields whose names or objects are shared by all of the tenant."""
    for field in ("key", "depends_on", "alerts", "escalations"):
        if body.get(field):
            message = f"{field} needs an account: a monitor that was created without one stands by itself"
            raise Refused(message, code="NOT_FOR_MANAGE_KEYS", field=f"/{field}")


def refuse_shared_of_page(body: Mapping[str, Any]) -> None:
    """The same for a status page."""
    for field in ("key", "custom_domain"):
        if body.get(field):
            message = f"{field} needs an account: a page that was created without one stands by itself"
            raise Refused(message, code="NOT_FOR_MANAGE_KEYS", field=f"/{field}")


def refuse_other_target(check: object, stored: Mapping[str, Any]) -> None:
    """Raise Refused TARGET_FIXED for a patch of the check that directs it elsewhere.

    Otherwise one creation would be a probe of anything, as often as one likes.
    """
    if isinstance(check, Mapping):
        moved = [name for name in TARGET if name in check and check[name] != stored.get(name)]
    else:
        moved = [] if check is None or check == stored.get("url") else [""]
    if moved:
        message = "What a monitor without an account watches stays as it is: create another, and delete this one"
        raise Refused(message, code="TARGET_FIXED", field="/check" + (f"/{moved[0]}" if moved[0] else ""))


def require_turn(*, own: int, own_limit: int, own_age_s: float, of_all: int, limit: int, age_s: float) -> None:
    """Raise TooMany RATE_LIMITED when an address, or everybody together, has created as much as is allowed an hour.

    `own_age_s`, `age_s`: how long ago the oldest creation that still counts was, in seconds.
    """
    if own >= own_limit:
        raise _too_many("this address", "address", own_limit, WINDOW_S - own_age_s)
    if of_all >= limit:
        raise _too_many("this installation", "installation", limit, WINDOW_S - age_s)


def _too_many(whose: str, scope: str, limit: int, wait_s: float) -> TooMany:
    retry_after_s = max(1, math.ceil(wait_s))
    return TooMany(
        f"Creations without an account are limited to {limit} an hour for {whose}: go on in {retry_after_s} s",
        retry_after_s=retry_after_s,
        details={"scope": scope, "category": "anonymous_creates", "limit": limit, "window_s": WINDOW_S},
    )
