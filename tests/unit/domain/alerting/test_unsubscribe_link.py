"""A link that ends e-mails is for one channel and one address, and nobody else makes one."""

from __future__ import annotations

from uuid import UUID

import pytest

from control_plane.domain.alerting.unsubscribe_link import read_unsubscribe_token, unsubscribe_token

TENANT, CHANNEL = UUID(int=1), UUID(int=2)
TOKEN = unsubscribe_token(tenant_id=TENANT, channel_id=CHANNEL, address="a@b.example", pepper=b"pepper")


def test_a_token_tells_its_channel_and_proves_its_address() -> None:
    what = read_unsubscribe_token(TOKEN)
    assert what is not None
    assert (what.tenant_id, what.channel_id) == (TENANT, CHANNEL)
    assert what.is_proven("a@b.example", pepper=b"pepper")
    assert not what.is_proven("other@b.example", pepper=b"pepper")
    assert not what.is_proven("a@b.example", pepper=b"another")
    assert TOKEN.replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize("token", ["", "x", TOKEN[:-2], TOKEN + "AAAA", "!" * 64, "é" * 64])
def test_what_is_no_token_is_none(token: str) -> None:
    assert read_unsubscribe_token(token) is None


def test_a_changed_token_proves_nothing() -> None:
    changed = read_unsubscribe_token("B" + TOKEN[1:])
    assert changed is not None
    assert not changed.is_proven("a@b.example", pepper=b"pepper")
