"""Where in the bodies of our routes secrets go, read off the OpenAPI document, and wrong things to put there."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from control_plane.app import all_routes, openapi_document
from control_plane.web.routes import Route

Step = str | int
Path = tuple[Step, ...]

HOLDERS = ("check", "config", "patch")
"""Fields whose objects have secrets: a monitor's check, a channel's configuration, a change of many monitors."""


class Place(NamedTuple):
    """A place for an object with secrets in the body of a route."""

    route: Route
    path: Path

    @property
    def holds(self) -> str:
        """check or config."""
        return "config" if self.path[-1] == "config" else "check"

    def body(self, value: Mapping[str, Any]) -> Any:
        """A good body, but for `value` in this place."""
        if self.path[-1] == "patch":
            return {"action": {"type": "update", "patch": {"check": value}}, "filter": {"kind": "http"}}
        body = copy.deepcopy(self.route.example)
        parent = body
        for step, following in zip(self.path, self.path[1:], strict=False):
            parent = _entered(parent, step, following)
        if self.path[0] == "channels":
            body.pop("monitors", None)
        parent[self.path[-1]] = value
        return body


def _entered(parent: Any, step: Step, following: Step) -> Any:
    if isinstance(step, str):
        return parent.setdefault(step, [] if isinstance(following, int) else {})
    if not parent:
        parent.append({"name": "A"})
    return parent[step]


@cache
def places() -> tuple[Place, ...]:
    """Every place, in the order of the routes."""
    document = json.loads(openapi_document())
    operations = {each["operationId"]: each for path in document["paths"].values() for each in path.values()}
    found: list[Place] = []
    for route in all_routes():
        body = operations.get(route.operation, {}).get("requestBody", {}).get("content", {}).get("application/json")
        if body is not None and route.door.value in ("tenant", "operator"):
            found += [Place(route, path) for path in _holders(body["schema"], document, ())]
    return tuple(found)


def _holders(schema: Mapping[str, Any], document: Mapping[str, Any], path: Path) -> Iterator[Path]:
    if len(path) > 4:
        return
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        yield from _holders(document["components"]["schemas"][name], document, path)
    for name, inner in schema.get("properties", {}).items():
        if name in HOLDERS:
            yield (*path, name)
        else:
            yield from _holders(inner, document, (*path, name))
    if isinstance(schema.get("items"), dict):
        yield from _holders(schema["items"], document, (*path, 0))
    for other in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from _holders(other, document, path)


_HTTP = {"type": "http", "url": "https://example.com/health"}
_HOOK = {"type": "webhook", "url": "https://ops.example.com/farwatch"}
_NTFY = {"type": "ntfy", "topic": "operations"}
_TELEGRAM = {"type": "telegram", "chat_id": "-1001234567890"}


def holding(kind: str, secret: str) -> tuple[dict[str, Any], ...]:
    """Objects that hold the secret where it belongs, each in another field."""
    if kind == "config":
        return (
            {**_HOOK, "url": f"https://ops.example.com/{secret}"},
            {**_HOOK, "headers": {"X-Team": secret}},
            {**_HOOK, "secret": secret},
            {**_NTFY, "access_token": secret},
            {**_NTFY, "username": "ops", "password": secret},
            {**_TELEGRAM, "bot_token": f"123456:{secret}"},
            *chats(secret),
            *programs(secret),
            *phones(secret),
        )
    return (
        {**_HTTP, "basic_auth": ["user", secret]},
        {**_HTTP, "bearer_token": secret},
        {**_HTTP, "headers": {"X-Api-Key": secret}},
        {**_HTTP, "headers": {"Cookie": f"sid={secret}; theme=dark"}},
        {**_HTTP, "headers": {"Authorization": f"Token {secret}"}},
    )


def programs(secret: str) -> tuple[dict[str, Any], ...]:
    """Configurations of receivers that are programs."""
    alertmanager = {"type": "alertmanager", "url": "https://alertmanager.example.com/"}
    return (
        {**_HOOK, "former": {"secret": secret, "until": "2999-01-01T00:00:00Z"}},
        {**alertmanager, "url": f"https://alertmanager.example.com/{secret}"},
        {**alertmanager, "access_token": secret},
        {**alertmanager, "username": "ops", "password": secret},
    )


def wrong_programs(secret: str) -> tuple[dict[str, Any], ...]:
    """The same, and others, with something wrong."""
    alertmanager = {"type": "alertmanager", "url": "https://alertmanager.example.com/"}
    return (
        {**_HOOK, "former": {"secret": f"whsec_{secret}!", "until": "2999-01-01T00:00:00Z"}},
        {**_HOOK, "former": {"secret": secret, "until": secret}},
        {**_HOOK, "former": secret},
        {**alertmanager, "url": f"https://alertmanager.example.com/?token={secret}"},
        {**alertmanager, "access_token": f"{secret} {secret}"},
        {**alertmanager, "password": secret},
        {"type": "pagerduty", "routing_key": secret},
        {"type": "pagerduty", "routing_key": [secret]},
        {"type": "pagerduty", "routing_key": "k" * 32, "region": secret},
        {"type": "apprise", "url": f"json://example.com/{secret}"},
    )


CHATS = ("discord", "google_chat", "msteams", "slack")


def chats(secret: str) -> tuple[dict[str, Any], ...]:
    """Configurations of chats, whose URLs are secrets as a whole."""
    workflow = "https://prod-1.westeurope.logic.azure.com/workflows/a/triggers/manual/paths/invoke"
    return (
        {"type": "slack", "webhook_url": f"https://hooks.slack.com/services/T0/B0/{secret}"},
        {"type": "slack", "bot_token": f"xoxb-1234-{secret}", "channel": "#alerts"},
        {"type": "discord", "webhook_url": f"https://discord.com/api/webhooks/1234/{secret}"},
        {"type": "msteams", "webhook_url": f"{workflow}?api-version=1&sig={secret}"},
        {
            "type": "google_chat",
            "webhook_url": f"https://chat.googleapis.com/v1/spaces/A/messages?key=k&token={secret}",
        },
    )


def phones(secret: str) -> tuple[dict[str, Any], ...]:
    """Configurations that reach phones, but for Pushover's, whose keys hold no such secret."""
    sms = {"type": "sms", "to": "+15551234567", "from": "+15550009999"}
    return (
        {**sms, "provider": "twilio", "account_sid": "AC" + "0a" * 16, "auth_token": secret},
        {**sms, "provider": "telnyx", "api_key": secret},
        {**sms, "provider": "vonage", "api_key": "abcd1234", "api_secret": secret},
        {**sms, "provider": "plivo", "auth_id": "MAXXXX", "auth_token": secret},
        {**sms, "provider": "sinch", "service_plan_id": "plan0123", "api_token": secret},
        {
            "type": "whatsapp",
            "access_token": secret,
            "phone_number_id": "106540352242922",
            "to": "4915112345678",
            "template_name": "farwatch_alert",
        },
    )


def wrong_phones(secret: str) -> tuple[dict[str, Any], ...]:
    """The same in ways that nobody takes."""
    twilio, telnyx, *_, whatsapp = phones(secret)
    return (
        {**twilio, "auth_token": [secret]},
        {**twilio, "auth_token": f"{secret} {secret}\n"},
        {**twilio, "account_sid": secret},
        {**twilio, "api_key": secret},
        {**twilio, "provider": secret},
        {**twilio, "to": secret},
        {**telnyx, "messaging_profile_id": f"{secret}/"},
        {**whatsapp, "access_token": secret * 500},
        {**whatsapp, "phone_number_id": secret},
        {"type": "pushover", "token": secret, "user": secret},
    )


def wrong_urls(secret: str) -> tuple[dict[str, Any], ...]:
    """URLs that no chat takes."""
    return (
        {"webhook_url": secret},
        {"webhook_url": [secret]},
        {"webhook_url": f"https://ops.example.com/{secret}"},
        {"webhook_url": f"https://acme.webhook.office.com/webhookb2/{secret}"},
        {"webhook_url": f"https://hooks.slack.com/workflows/{secret}"},
        {"webhook_url": f"https://discord.com/api/webhooks/1234/{secret}/slack"},
        {"webhook_url": f"https://user:{secret}@discord.com/api/webhooks/1234/x"},
        {"webhook_url": f"https://chat.googleapis.com/v1/spaces/A/messages?token={secret}"},
        {"bot_token": f"xoxp-1234-{secret}", "channel": "#alerts"},
        {"bot_token": f"xoxb-1234-{secret}", "channel": f"#{secret} "},
    )


def misplacing(kind: str, secret: str) -> tuple[dict[str, Any], ...]:
    """Objects that are refused, with the secret in them."""
    long = secret * 500
    either = (
        {"type": secret},
        {"type": [secret]},
        {"password": secret},
        {"headers": secret},
        {"headers": [secret]},
        {"headers": {"X-Api-Key": [secret]}},
        {"headers": {"X-Api-Key": f"{secret}\nX-More: {secret}"}},
        {"headers": {"Host": secret}},
        {"headers": {"Bad Name": secret}},
        {"headers": {"X-Api-Key": long}},
        {"url": f"https://user:{secret}@example.com/"},
        {"url": f"https://user:{secret}@169.254.1.1/"},
        {"url": f"https://169.254.1.1/{secret}?token={secret}"},
        {"url": f"https://example.com:99999/{secret}"},
        {"url": f"https://[{secret}/"},
        {"url": f"gopher://example.com/{secret}"},
        {"url": f"https://example.com/{long}"},
        {"url": [secret]},
    )
    if kind == "config":
        hook = ({"secret": [secret]}, {"secret": {"value": secret}}, {"secret": f"whsec_{secret}!"})
        ntfy = (
            {"access_token": [secret]},
            {"access_token": f"{secret} {secret}\n"},
            {"access_token": secret, "username": "ops", "password": secret},
            {"password": {"value": secret}},
            {"password": secret},
            {"server_url": f"https://ntfy.example.com/{secret}"},
            {"server_url": f"https://ops:{secret}@ntfy.example.com"},
        )
        chat = tuple({**each, "type": kind} for kind in CHATS for each in wrong_urls(secret))
        telegram = ({**_TELEGRAM, "bot_token": secret}, {**_TELEGRAM, "bot_token": f"1:{secret}", "chat_id": secret})
        return (
            *({**_HOOK, **each} for each in (*either, *hook)),
            *({**_NTFY, **each} for each in ntfy),
            *telegram,
            *chat,
            *wrong_programs(secret),
            *wrong_phones(secret),
        )
    check = (
        {"basic_auth": secret},
        {"basic_auth": ["user", secret, secret]},
        {"basic_auth": ["us:er", secret]},
        {"basic_auth": {"password": secret}},
        {"basic_auth": ["user", [secret]]},
        {"basic_auth": ["user", long]},
        {"bearer_token": [secret]},
        {"bearer_token": f"{secret}\n"},
        {"bearer_token": long},
        {"bearer_token": secret, "basic_auth": ["user", secret]},
        {"bearer_token": secret, "verify_tls": False},
        {"method": secret},
        {"timeout": secret},
        {"body": [secret]},
        {"expected_status": {"kind": "exact", "value": secret}},
    )
    return tuple({**_HTTP, **each} for each in (*either, *check))
