from __future__ import annotations

import pytest
from aiohttp.test_utils import make_mocked_request

from control_plane.web.attempts import FailureLimit, caller_address, parse_networks


def test_as_many_failures_as_allowed_then_a_wait() -> None:
    limit = FailureLimit(3)
    for _ in range(3):
        assert limit.wait_s("a", 0) == 0
        limit.failed("a", 0)
    assert limit.wait_s("a", 0) == 21
    assert limit.wait_s("b", 0) == 0


def test_failures_are_forgiven_over_a_minute() -> None:
    limit = FailureLimit(3)
    for _ in range(3):
        limit.failed("a", 0)
    assert limit.wait_s("a", 19) > 0
    assert limit.wait_s("a", 21) == 0


def test_memory_is_bounded_by_forgetting_the_oldest_address() -> None:
    limit = FailureLimit(1)
    for number in range(10_001):
        limit.failed(str(number), 0)
    assert limit.wait_s("0", 0) == 0
    assert limit.wait_s("10000", 0) > 0


class Transport:
    """Says where a request came from."""

    def __init__(self, peer: str) -> None:
        self._peer = (peer, 1)

    def get_extra_info(self, name: str, default: object = None) -> object:
        return self._peer if name == "peername" else default


@pytest.mark.parametrize(
    ("peer", "forwarded", "counted"),
    [
        ("203.0.113.1", "", "203.0.113.1"),
        ("203.0.113.1", "198.51.100.1", "203.0.113.1"),  # nobody trusts a stranger's header
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.1, 10.0.0.2", "198.51.100.1"),  # what is left of it, the caller wrote
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.1"),
        ("10.0.0.1", "nonsense", "unknown"),
        ("2001:db8:1:2:3::4", "", "2001:db8:1:2::/64"),
    ],
)
def test_a_failure_counts_against_the_right_address(peer: str, forwarded: str, counted: str) -> None:
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    request = make_mocked_request("GET", "/", headers=headers, transport=Transport(peer))
    assert caller_address(request, parse_networks(["10.0.0.0/8"])) == counted
