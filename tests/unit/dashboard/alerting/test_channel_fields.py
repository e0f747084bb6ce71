"""The words for channels: every kind and every setting has some, and what is sealed is never put into a page."""

from __future__ import annotations

import pytest

from control_plane.dashboard.alerting.channel_fields import KINDS, LINKED, NOT_ASKED
from control_plane.dashboard.alerting.channel_form_fields import config_of, patch_of, settings_of, typed_of
from control_plane.notify import TRANSPORTS
from control_plane.notify.slack import Slack
from control_plane.notify.telegram import Telegram
from control_plane.notify.webhook import Webhook


def test_every_kind_is_told_of_and_those_that_linking_makes_have_no_form() -> None:
    assert {*KINDS, *LINKED} == set(TRANSPORTS)
    assert set(LINKED) == {kind for kind, transport in TRANSPORTS.items() if transport.managed}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_setting_of_a_kind_has_a_label_and_no_other_has_one(kind: str) -> None:
    assert [each.encode_name for each in settings_of(TRANSPORTS[kind].configuration) if each] != []
    names = {each.encode_name for each in settings_of(TRANSPORTS[kind].configuration)}
    assert set(KINDS[kind].fields) == names - NOT_ASKED
    assert all(each.label for each in KINDS[kind].fields.values())


def test_what_is_left_empty_is_left_out_and_a_number_is_one() -> None:
    typed = {"bot_token": "t", "chat_id": "@chat", "message_thread_id": "12"}
    whole = {"type": "telegram", "bot_token": "t", "chat_id": "@chat", "message_thread_id": 12}
    assert config_of("telegram", Telegram, typed, {}) == whole
    assert config_of("slack", Slack, {"channel": "C1", "bot_token": ""}, {"bot_token": "kept"}) == {
        "type": "slack",
        "bot_token": "kept",
        "channel": "C1",
    }


def test_a_patch_keeps_secrets_and_clears_what_was_emptied() -> None:
    stored = {"type": "telegram", "bot_token": "***", "chat_id": "@chat", "message_thread_id": 12}
    assert patch_of("telegram", Telegram, typed_of(stored) | {"message_thread_id": ""}, stored) == {
        "message_thread_id": None
    }
    assert patch_of("telegram", Telegram, typed_of(stored), stored) == {"message_thread_id": 12}


def test_headers_that_still_show_the_mask_stay_as_they_are() -> None:
    stored = {"type": "webhook", "url": "***", "secret": "***", "headers": {"X-A": "***", "X-B": "***"}}
    typed = typed_of(stored)
    assert typed["headers"] == "X-A: ***\nX-B: ***"
    patch = patch_of("webhook", Webhook, {"headers": "X-A: ***\nX-C: a: b"}, stored)
    assert patch == {"headers": {"X-C": "a: b", "X-B": None}}
