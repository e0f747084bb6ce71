"""What a key is usually for: presets are made of scopes that there are, and hand on nothing that one lacks."""

from __future__ import annotations

from control_plane.domain.key_presets import PRESETS, presets_for
from control_plane.domain.tenants.credentials import SCOPES


def test_presets_are_made_of_scopes_that_there_are() -> None:
    assert all(each.scopes and each.scopes <= set(SCOPES) for each in PRESETS)
    assert len({each.key for each in PRESETS}) == len(PRESETS)


def test_who_reads_alone_is_offered_what_they_may_read() -> None:
    offered = {each.key: each.scopes for each in presets_for({"monitors:read", "incidents:read"})}
    assert offered == {"read": {"monitors:read", "incidents:read"}, "all": {"monitors:read", "incidents:read"}}


def test_nobody_is_offered_what_they_lack() -> None:
    own = {"metrics:read", "keys:write", "config:read"}
    offered = presets_for(own)
    assert {each.key for each in offered} == {"read", "metrics", "all"}
    assert all(each.scopes <= own for each in offered)
    assert presets_for(()) == []
