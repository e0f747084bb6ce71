"""Forms by which whoever holds a delegation link gives a channel's address: for each kind, the fewest fields. Pure.

What needs a programmer, an account of its own or the browser of somebody signed in is not offered here; NOT_OFFERED
says why, so that a new kind is decided about.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from msgspec import Struct


class Field(Struct, frozen=True, kw_only=True):
    """One field. `type` is HTML's; `secret`: not shown again when the form comes back with an error."""

    name: str
    label: str
    hint: str = ""
    type: str = "text"
    required: bool = True
    secret: bool = False


class Form(Struct, frozen=True, kw_only=True):
    """What is asked of one kind."""

    title: str
    fields: tuple[Field, ...]


def _webhook_url(hint: str, *, name: str = "webhook_url") -> Field:
    return Field(name=name, label="Webhook URL", hint=hint, type="url", secret=True)


FORMS: Mapping[str, Form] = {
    "slack": Form(
        title="Slack, by webhook",
        fields=(_webhook_url("From an app's Incoming Webhooks: https://hooks.slack.com/services/…"),),
    ),
    "discord": Form(
        title="Discord, by webhook",
        fields=(_webhook_url("Channel settings, Integrations, Webhooks: https://discord.com/api/webhooks/…"),),
    ),
    "msteams": Form(
        title="Microsoft Teams",
        fields=(_webhook_url("From a Workflow that posts to a channel when a webhook request is received"),),
    ),
    "google_chat": Form(
        title="Google Chat",
        fields=(_webhook_url("Apps and integrations of the space: https://chat.googleapis.com/v1/spaces/…"),),
    ),
    "email": Form(
        title="E-mail",
        fields=(Field(name="to", label="E-mail address", hint="It is asked to confirm first", type="email"),),
    ),
    "ntfy": Form(
        title="ntfy",
        fields=(
            Field(name="topic", label="Topic", hint="1 to 64 letters, digits, _ and -"),
            Field(name="server_url", label="Server", hint="By default https://ntfy.sh", type="url", required=False),
            Field(name="access_token", label="Access token", type="password", required=False, secret=True),
        ),
    ),
    "pushover": Form(
        title="Pushover",
        fields=(
            Field(name="token", label="Application token", type="password", secret=True),
            Field(name="user", label="User or group key", type="password", secret=True),
        ),
    ),
    "pagerduty": Form(
        title="PagerDuty",
        fields=(
            Field(
                name="routing_key",
                label="Integration key",
                hint="Of an Events API v2 integration: 32 characters",
                type="password",
                secret=True,
            ),
        ),
    ),
    "telegram": Form(
        title="Telegram, with a bot of your own",
        fields=(
            Field(name="bot_token", label="Bot token", hint="From @BotFather", type="password", secret=True),
            Field(name="chat_id", label="Chat", hint="Its number, or the @name of a public channel"),
        ),
    ),
    "webhook": Form(title="Webhook", fields=(_webhook_url("It is posted to as JSON, by https", name="url"),)),
}

LINKED: Mapping[str, str] = {"telegram_app": "Telegram", "whatsapp_app": "WhatsApp"}
"""Kinds that are connected by sending the code to a bot."""

NOT_OFFERED: Mapping[str, str] = {
    "alertmanager": "a program of the tenant's, not somebody else's to connect",
    "apprise": "its URLs hold whatever credentials there are",
    "sms": "needs an account at a gateway, which the tenant has",
    "web_push": "a browser of somebody who is signed in",
    "whatsapp": "needs a business account and a template, which the tenant has",
}


def connectable_kinds(available: Collection[str]) -> frozenset[str]:
    """What a delegation link of this installation may connect."""
    return frozenset(kind for kind in available if kind in FORMS or kind in LINKED)


def read_form(kind: str, given: Mapping[str, str]) -> dict[str, str]:
    """The configuration that a form's fields say; what was left empty is left out."""
    return {"type": kind} | {field.name: given[field.name] for field in FORMS[kind].fields if given.get(field.name)}
