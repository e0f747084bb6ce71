"""What a prober would be given."""

from __future__ import annotations

from typing import Any

import pytest

from control_plane.domain.checks.probe_target import probe_target
from control_plane.domain.checks.stored_check import read_check

CASES: list[tuple[dict[str, Any], str | None]] = [
    ({"type": "http", "url": "https://a.example/x?y=1"}, "https://a.example/x?y=1"),
    ({"type": "tcp", "host": "db.example", "port": 5432}, "db.example:5432"),
    ({"type": "tcp", "host": "2001:db8::1", "port": 22}, "[2001:db8::1]:22"),
    ({"type": "tls_cert", "host": "a.example", "port": 443}, "a.example:443"),
    ({"type": "ping", "host": "a.example"}, "a.example"),
    ({"type": "dns", "name": "a.example", "record_type": "MX"}, "a.example"),
    ({"type": "domain_expiry", "domain": "a.example"}, "a.example"),
    ({"type": "heartbeat", "period": 3600}, None),
]


@pytest.mark.parametrize(("document", "target"), CASES, ids=[str(document["type"]) for document, _ in CASES])
def test_a_check_looks_at_its_target(document: dict[str, Any], target: str | None) -> None:
    check = read_check(document)
    assert check is not None
    assert probe_target(check) == target
