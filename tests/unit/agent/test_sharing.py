"""What assignments have in common is held once, and none of them says anything else for it."""

from __future__ import annotations

from uuid import uuid4

import msgspec

from agent.link.sharing import Sharing
from shared.checks import Check, DnsCheck, HttpCheck
from shared.protocol import Assignment

TENANT = uuid4()


def decoded(check: Check) -> Assignment:
    data = msgspec.json.encode(Assignment(uuid4(), TENANT, 1, 1, check, 60_000, 7, 0))
    return msgspec.json.decode(data, type=Assignment)


def test_equal_parts_of_two_assignments_become_one() -> None:
    sharing = Sharing()
    one, other = (sharing.of(decoded(HttpCheck(url="https://shop.example/"))) for _ in range(2))
    assert isinstance(one.check, HttpCheck)
    assert isinstance(other.check, HttpCheck)
    assert one.tenant_id is other.tenant_id
    assert one.check.headers is other.check.expected_headers
    assert one.check.expected_status is other.check.expected_status


def test_an_assignment_says_the_same_as_before() -> None:
    sharing = Sharing()
    for check in (
        HttpCheck(url="https://shop.example/", headers={"X-Shop": "1"}, expected_headers={"Server": "nginx"}),
        HttpCheck(url="https://shop.example/"),
        DnsCheck(name="shop.example"),
    ):
        known = decoded(check)
        before = msgspec.json.encode(known)
        assert msgspec.json.encode(sharing.of(known)) == before
        assert known.check == check
