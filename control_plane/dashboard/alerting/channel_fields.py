"""What people read about kinds of channels: their names, what each needs, and a label for each setting. Pure.

The fields of a form come from the transport's configuration; this table has the words for them, and a test holds that
none is without. A kind that linking makes has no form: LINKED says how it is connected.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class Said(Struct, frozen=True, kw_only=True):
    """A setting in words. `type`: HTML's, or area, select. `secret`: never shown again; empty keeps what is stored."""

    label: str
    hint: str = ""
    type: str = "text"
    secret: bool = False
    options: Mapping[str, str] = {}
    placeholder: str = ""


class Kind(Struct, frozen=True, kw_only=True):
    """A kind: what it is called, what it is good for, what one needs for it, and its settings by their names."""

    title: str
    about: str
    needs: str
    fields: Mapping[str, Said] = {}


def _url(label: str, hint: str, placeholder: str) -> Said:
    return Said(label=label, hint=hint, type="url", secret=True, placeholder=placeholder)


def _secret(label: str, hint: str = "") -> Said:
    return Said(label=label, hint=hint, type="password", secret=True)


KINDS: Mapping[str, Kind] = {
    "email": Kind(
        title="E-mail",
        about="One address, which confirms by a link before anything else is sent to it.",
        needs="An address",
        fields={"to": Said(label="E-mail address", hint="It is asked to confirm first.", type="email")},
    ),
    "slack": Kind(
        title="Slack",
        about="A message for each incident; it changes when the incident does.",
        needs="An incoming webhook, or a bot’s token",
        fields={
            "webhook_url": _url(
                "Webhook URL", "From an app’s Incoming Webhooks.", "https://hooks.slack.com/services/…"
            ),
            "bot_token": _secret("Bot token", "Instead of a webhook: begins with xoxb-, and may chat:write."),
            "channel": Said(label="Channel", hint="Only with a bot token: its id, such as C0123456789."),
        },
    ),
    "discord": Kind(
        title="Discord",
        about="A message for each incident, in a channel or one of its threads.",
        needs="A webhook of a channel",
        fields={
            "webhook_url": _url(
                "Webhook URL", "Channel settings, Integrations, Webhooks.", "https://discord.com/api/webhooks/…"
            ),
            "thread_id": Said(label="Thread", hint="The id of a thread of that channel, or nothing."),
        },
    ),
    "msteams": Kind(
        title="Microsoft Teams",
        about="A card in a channel or chat.",
        needs="A workflow that posts what its webhook receives",
        fields={
            "webhook_url": _url(
                "Workflow URL",
                "Of a workflow that posts to a channel when a webhook request is received.",
                "https://….logic.azure.com/workflows/…",
            )
        },
    ),
    "google_chat": Kind(
        title="Google Chat",
        about="A card in a space, one thread for each incident.",
        needs="A webhook of a space",
        fields={
            "webhook_url": _url(
                "Webhook URL", "Apps and integrations of the space.", "https://chat.googleapis.com/v1/spaces/…"
            )
        },
    ),
    "telegram": Kind(
        title="Telegram, your own bot",
        about="A bot that you made writes to a chat.",
        needs="A bot’s token and a chat",
        fields={
            "bot_token": _secret("Bot token", "From @BotFather."),
            "chat_id": Said(label="Chat", hint="Its number, or the @name of a public channel."),
            "message_thread_id": Said(
                label="Topic", hint="The number of a topic, where the group has topics.", type="number"
            ),
        },
    ),
    "whatsapp": Kind(
        title="WhatsApp, your own number",
        about="A message by an approved template of your business account.",
        needs="A business account and a template",
        fields={
            "access_token": _secret("Access token", "Of a system user, which does not expire."),
            "phone_number_id": Said(label="Id of the sending number", hint="From the API setup of the account."),
            "to": Said(label="To", hint="With its country’s code.", type="tel", placeholder="+49 170 1234567"),
            "template_name": Said(label="Template", hint="The name of an approved template with two variables."),
            "language_code": Said(label="Language of the template", hint="Its exact code: en and en_US are two."),
        },
    ),
    "sms": Kind(
        title="SMS",
        about="A text by your account at a gateway.",
        needs="An account at Twilio, Telnyx, Vonage, Plivo or Sinch",
        fields={
            "provider": Said(
                label="Gateway",
                type="select",
                options={
                    "twilio": "Twilio",
                    "telnyx": "Telnyx",
                    "vonage": "Vonage",
                    "plivo": "Plivo",
                    "sinch": "Sinch",
                },
            ),
            "to": Said(label="To", hint="With its country’s code.", type="tel", placeholder="+49 170 1234567"),
            "from": Said(label="From", hint="A number or name that the gateway lets you send from."),
            "account_sid": Said(label="Account SID", hint="Twilio"),
            "auth_id": Said(label="Auth id", hint="Plivo"),
            "auth_token": _secret("Auth token", "Twilio, Plivo"),
            "api_key": _secret("API key", "Telnyx, Vonage"),
            "api_secret": _secret("API secret", "Vonage"),
            "api_token": _secret("API token", "Sinch"),
            "messaging_profile_id": Said(label="Messaging profile", hint="Telnyx, if you send from a name."),
            "service_plan_id": Said(label="Service plan", hint="Sinch"),
            "region": Said(label="Region", hint="Sinch: us, eu, …"),
        },
    ),
    "pushover": Kind(
        title="Pushover",
        about="A push message to your devices; urgent ones ask to be confirmed.",
        needs="An application and a user key",
        fields={
            "token": _secret("Application token"),
            "user": _secret("User or group key"),
            "device": Said(label="Device", hint="Only this one, or nothing for all."),
        },
    ),
    "ntfy": Kind(
        title="ntfy",
        about="A push message to whoever follows a topic.",
        needs="A topic",
        fields={
            "topic": Said(label="Topic", hint="1 to 64 letters, digits, _ and -. On a public server, hard to guess."),
            "server_url": Said(label="Server", type="url"),
            "access_token": _secret("Access token", "Where the topic is protected."),
            "username": Said(label="User name", hint="Instead of a token."),
            "password": _secret("Password"),
        },
    ),
    "pagerduty": Kind(
        title="PagerDuty",
        about="Opens, updates and resolves an alert of a service.",
        needs="An Events API v2 integration",
        fields={
            "routing_key": _secret("Integration key", "Of an Events API v2 integration: 32 characters."),
            "region": Said(label="Service region", type="select", options={"us": "US", "eu": "EU"}),
        },
    ),
    "alertmanager": Kind(
        title="Alertmanager",
        about="Keeps an alert firing while the incident is open.",
        needs="An Alertmanager that we reach",
        fields={
            "url": _url("URL", "The root of the Alertmanager.", "https://alertmanager.example.com"),
            "access_token": _secret("Bearer token", "Where a proxy asks for one."),
            "username": Said(label="User name", hint="Instead of a token."),
            "password": _secret("Password"),
        },
    ),
    "webhook": Kind(
        title="Webhook",
        about="Signed JSON to a program of yours.",
        needs="An address that takes a POST",
        fields={
            "url": _url("URL", "It is posted to as JSON, by https.", "https://ops.example.com/farwatch"),
            "headers": Said(
                label="Headers", hint="One on each line, Name: value. Values are not shown again.", type="area"
            ),
            "secret": _secret("Signing secret", "Leave it empty, and we make one and show it once."),
        },
    ),
    "apprise": Kind(
        title="Apprise",
        about="Any of the services that Apprise knows.",
        needs="An Apprise URL",
        fields={"url": _url("Apprise URL", "Its credentials are in it.", "service://…")},
    ),
}

LINKED: Mapping[str, Kind] = {
    "telegram_app": Kind(
        title="Telegram",
        about="The bot of this installation writes to you, or to a group.",
        needs="Telegram on your phone",
    ),
    "whatsapp_app": Kind(
        title="WhatsApp", about="This installation writes to your phone.", needs="WhatsApp on your phone"
    ),
    "web_push": Kind(title="Browser", about="Push messages to a browser.", needs="A browser that was subscribed"),
}

NOT_ASKED = frozenset({"former"})
"""Settings that no form asks: what rotating keeps."""


def title_of(kind: str) -> str:
    """What people call a kind."""
    found = KINDS.get(kind) or LINKED.get(kind)
    return kind if found is None else found.title
