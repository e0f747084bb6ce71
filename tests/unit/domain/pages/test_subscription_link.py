"""Links of subscribers are good for one subscriber and one purpose."""

from __future__ import annotations

from uuid import UUID

import pytest

from control_plane.domain.pages.subscriber_rules import shown_address, target_digest
from control_plane.domain.pages.subscription_link import read_subscription_token, subscription_token

TENANT, READER = UUID(int=1), UUID(int=2)
PEPPER, NONCE = b"pepper", b"sixteen byte one"


def token(purpose: str = "confirm", *, nonce: bytes = NONCE, reader: UUID = READER) -> str:
    return subscription_token(purpose, tenant_id=TENANT, subscriber_id=reader, pepper=PEPPER, nonce=nonce)  # type: ignore[arg-type]


def test_a_token_says_whom_it_is_for_and_is_proven_by_the_nonce_and_the_purpose() -> None:
    read = read_subscription_token(token())
    assert read is not None
    assert (read.tenant_id, read.subscriber_id) == (TENANT, READER)
    assert read.is_proven("confirm", pepper=PEPPER, nonce=NONCE)
    assert not read.is_proven("confirm", pepper=PEPPER, nonce=b"another")
    assert not read.is_proven("confirm", pepper=b"another", nonce=NONCE)
    assert not read.is_proven("manage", pepper=PEPPER)


@pytest.mark.parametrize("text", ["", "x", "a" * 63, "ä" * 64, "../../etc/passwd", "A" * 65])
def test_what_is_no_token_is_none(text: str) -> None:
    assert read_subscription_token(text) is None


def test_mailboxes_are_the_same_in_any_case_and_urls_are_not() -> None:
    assert target_digest("email", "A@b.example", pepper=PEPPER) == target_digest("email", "a@B.example", pepper=PEPPER)
    assert target_digest("webhook", "https://b/A", pepper=PEPPER) != target_digest(
        "webhook", "https://b/a", pepper=PEPPER
    )


def test_a_tenant_reads_addresses_whole_and_of_urls_the_host() -> None:
    assert shown_address("email", "a@b.example") == "a@b.example"
    assert shown_address("webhook", "https://hooks.example.com/T0/secret?x=1") == "https://hooks.example.com/…"
