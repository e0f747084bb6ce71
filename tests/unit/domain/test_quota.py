from __future__ import annotations

import pytest

from control_plane.domain.quota import LIMITS, require_room
from control_plane.errors import Refused


def test_a_plan_without_a_limit_refuses_nothing() -> None:
    for quota in LIMITS["unlimited"]:
        require_room("unlimited", quota, current=10**9)


def test_the_last_place_may_be_taken_and_no_more() -> None:
    require_room("free", "keys", current=9)
    with pytest.raises(Refused) as refusal:
        require_room("free", "keys", current=9, more=2)
    assert refusal.value.code == "QUOTA_EXCEEDED"
    assert refusal.value.details == {"quota": "keys", "current": 9, "limit": 10, "plan": "free"}


def test_every_plan_knows_every_quota() -> None:
    assert len({frozenset(limits) for limits in LIMITS.values()}) == 1
