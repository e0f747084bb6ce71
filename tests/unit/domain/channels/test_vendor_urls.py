"""URLs of chats are pinned to their service, refused with a hint, and never repeated in a refusal."""

from __future__ import annotations

import pytest

from control_plane.domain.channels import discord_rules, google_chat_rules, msteams_rules, slack_rules
from control_plane.errors import BadRequest

SECRET = "sEcReT0123456789"
SLACK = f"https://hooks.slack.com/services/T0/B0/{SECRET}"
DISCORD = f"https://discord.com/api/webhooks/123/{SECRET}"
TEAMS_PATH = "/workflows/ab/triggers/manual/paths/invoke"
TEAMS = f"https://prod-1.westeurope.logic.azure.com:443{TEAMS_PATH}?api-version=1&sig={SECRET}"
CHAT = f"https://chat.googleapis.com/v1/spaces/AAA/messages?key=k&token={SECRET}"

READERS = {
    "slack": slack_rules.read_webhook_url,
    "discord": lambda text: discord_rules.read_webhook_url(text, thread_id=None)[0],
    "msteams": msteams_rules.read_webhook_url,
    "google_chat": google_chat_rules.read_webhook_url,
}


@pytest.mark.parametrize(
    ("kind", "given", "kept"),
    [
        ("slack", SLACK, SLACK),
        ("slack", SLACK.replace("slack.com", "slack-gov.com"), SLACK.replace("slack.com", "slack-gov.com")),
        ("slack", SLACK.replace("hooks.slack.com", "HOOKS.Slack.com:443"), SLACK),
        ("discord", DISCORD, DISCORD),
        ("discord", f"{DISCORD}/?wait=true#x", DISCORD),
        ("discord", DISCORD.replace("/api/", "/api/v10/"), DISCORD.replace("/api/", "/api/v10/")),
        ("discord", DISCORD.replace("discord.com", "canary.discord.com"), DISCORD.replace("//", "//canary.")),
        ("discord", DISCORD.replace("discord.com", "discordapp.com"), DISCORD.replace("discord.com", "discordapp.com")),
        ("msteams", TEAMS, TEAMS.replace(":443", "")),
        (
            "msteams",
            f"https://default1.d2.environment.api.powerplatform.com/powerautomate/automations/direct{TEAMS_PATH}?sig=x",
            f"https://default1.d2.environment.api.powerplatform.com/powerautomate/automations/direct{TEAMS_PATH}?sig=x",
        ),
        ("google_chat", CHAT, CHAT),
        ("google_chat", f"{CHAT}%3D&threadKey=x", f"{CHAT}%3D"),
    ],
)
def test_a_url_of_its_own_service_is_kept_in_one_form(kind: str, given: str, kept: str) -> None:
    assert READERS[kind](given) == kept


@pytest.mark.parametrize("kind", sorted(READERS))
@pytest.mark.parametrize(
    "host",
    [
        "{}.evil.example", "evil-{}", "evil.example/{}", "evil.example?{}", "{}@evil.example", "evil.example#{}",
        "{}:8443", "{}%2eevil.example", "127.0.0.1", "[::1]", "localhost", "{}..", "xn--{}",
    ],
)  # fmt: skip
def test_a_host_that_only_looks_like_it_is_refused(kind: str, host: str) -> None:
    url = {"slack": SLACK, "discord": DISCORD, "msteams": TEAMS, "google_chat": CHAT}[kind].replace(":443", "")
    name = url.split("/")[2]
    with pytest.raises(BadRequest) as refused:
        READERS[kind](url.replace(name, host.format("logic.azure.com" if kind == "msteams" else name), 1))
    assert refused.value.field == "/config/webhook_url"
    assert SECRET not in refused.value.message


@pytest.mark.parametrize(
    ("kind", "given", "hint"),
    [
        ("slack", DISCORD, "use the kind discord"),
        ("slack", CHAT, "use the kind google_chat"),
        ("discord", TEAMS, "use the kind msteams"),
        ("google_chat", SLACK, "use the kind slack"),
        ("msteams", f"https://ops.example.com/{SECRET}", "use the kind webhook"),
        ("msteams", f"https://acme.webhook.office.com/webhookb2/{SECRET}", "retired"),
        ("msteams", f"https://outlook.office.com/webhook/{SECRET}", "retired"),
        ("msteams", TEAMS.partition("&sig")[0], "signature is missing"),
        ("msteams", f"https://prod-1.westeurope.logic.azure.com/?sig={SECRET}", "copy it from the workflow whole"),
        ("slack", SLACK.replace("/services/", "/workflows/"), "use the kind webhook"),
        ("slack", SLACK.replace("/services/", "/triggers/"), "use the kind webhook"),
        ("slack", SLACK.rpartition("/")[0], "copied whole"),
        ("slack", SLACK.replace("https", "http"), "is https"),
        ("slack", f"{SLACK}?a=b", "copied whole"),
        ("discord", f"{DISCORD}/slack", "without /slack"),
        ("discord", f"https://discord.com/channels/1/{SECRET}", "Copy Webhook URL"),
        ("discord", DISCORD.replace("/123/", "/../../x/"), "Copy Webhook URL"),
        ("google_chat", CHAT.partition("&")[0], "key and token are missing"),
        ("google_chat", CHAT.replace("/messages", ""), "messages?key="),
        ("google_chat", CHAT.replace("AAA", "AAA/../B"), None),
    ],
)
def test_a_url_of_the_wrong_kind_is_refused_with_a_hint(kind: str, given: str, hint: str | None) -> None:
    if hint is None:
        assert READERS[kind](given) == CHAT.replace("AAA", "B")
        return
    with pytest.raises(BadRequest) as refused:
        READERS[kind](given)
    assert hint in refused.value.message
    assert (refused.value.code, refused.value.field) == ("INVALID_CHANNEL_CONFIG", "/config/webhook_url")
    assert SECRET not in refused.value.message


def test_a_thread_of_discord_is_named_by_its_field_or_in_the_url() -> None:
    assert discord_rules.read_webhook_url(f"{DISCORD}?thread_id=42", thread_id=None) == (DISCORD, "42")
    assert discord_rules.read_webhook_url(f"{DISCORD}?thread_id=42", thread_id="43") == (DISCORD, "43")
    with pytest.raises(BadRequest) as refused:
        discord_rules.read_webhook_url(DISCORD, thread_id="42&wait=false")
    assert refused.value.field == "/config/thread_id"


@pytest.mark.parametrize(
    ("webhook_url", "bot_token", "channel", "field"),
    [
        (None, None, None, "webhook_url"),
        (SLACK, "xoxb-1", None, "webhook_url"),
        (SLACK, None, "#a", "channel"),
        (None, "xoxb-1", None, "channel"),
        (None, None, "#a", "webhook_url"),
    ],
)
def test_slack_has_one_way_in(webhook_url: str | None, bot_token: str | None, channel: str | None, field: str) -> None:
    with pytest.raises(BadRequest) as refused:
        slack_rules.check_choice(webhook_url=webhook_url, bot_token=bot_token, channel=channel)
    assert refused.value.field == f"/config/{field}"


@pytest.mark.parametrize(
    "token", ["", "xoxb-", "xoxp-123456789012", "xapp-1-A1-2-abcdef", "xoxe.xoxb-1-abcdefgh", "xoxb-1234567 890", "***"]
)
def test_only_a_bots_token_is_taken(token: str) -> None:
    with pytest.raises(BadRequest) as refused:
        slack_rules.check_bot_token(token)
    assert "xoxb-" in refused.value.message


@pytest.mark.parametrize("channel", ["#alerts", "alerts-eu_1", "C0123456789", "#störungen", "#警報"])
def test_a_channel_is_an_id_or_a_name(channel: str) -> None:
    slack_rules.check_channel(channel)


@pytest.mark.parametrize("channel", ["", "#", "@ana", "a b", "##a", "<!channel>", "a" * 81, "a\n"])
def test_what_no_channel_is_called_is_refused(channel: str) -> None:
    with pytest.raises(BadRequest):
        slack_rules.check_channel(channel)
