"""The OAuth of Slack and of Discord as they are documented: who may ask, for what, and codes that count once.

https://docs.slack.dev/authentication/installing-with-oauth, https://docs.slack.dev/reference/methods/oauth.v2.access,
https://discord.com/developers/docs/topics/oauth2#authorization-code-grant
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.support.vendors import Reply, Request

CLIENT_ID, CLIENT_SECRET = "1234567890.0987654321", "c0ffee00c0ffee00c0ffee00"
SLACK, DISCORD = "slack.com", "discord.com"
HOOK = "https://hooks.slack.com/services/T0/B0/hookhookhook"
PATHS = {"slack": "/oauth/v2/authorize", "discord": "/oauth2/authorize"}
SCOPES = {"slack": "incoming-webhook", "discord": "webhook.incoming"}


@dataclass
class ChatApps:
    """Both vendors. `codes` are those that count, and the redirect of each; `later` goes before the rules."""

    callback: str
    codes: dict[str, str] = field(default_factory=dict)
    later: list[Reply | None] = field(default_factory=list)
    slack: dict[str, Any] = field(default_factory=lambda: {"channel": "#ops", "channel_id": "C1", "url": HOOK})
    discord: dict[str, Any] = field(default_factory=lambda: {"id": "42", "token": "hook-token", "name": "Farwatch"})

    def allow(self, location: str) -> str:
        """What the vendor's page does with a browser whose person allows it: the URL that it is sent back to."""
        split, kind = urlsplit(location), "slack" if urlsplit(location).netloc == SLACK else "discord"
        asked = {name: values[0] for name, values in parse_qs(split.query).items()}
        assert (split.scheme, split.netloc, split.path) == ("https", f"{kind}.com", PATHS[kind])
        assert (asked["client_id"], asked["scope"]) == (CLIENT_ID, SCOPES[kind])
        assert asked["redirect_uri"] == self.callback.format(kind)
        assert kind == "slack" or asked["response_type"] == "code"
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked["redirect_uri"]
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def __call__(self, request: Request) -> Reply:
        said = self.later.pop(0) if self.later else None
        return self.judge(request) if said is None else said

    def judge(self, request: Request) -> Reply:
        kind = {"/api/oauth.v2.access": "slack", "/api/oauth2/token": "discord"}.get(request.path)
        if kind is None or request.method != "POST" or request.host != f"{kind}.com":
            return Reply(404, b"")
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        is_form = request.headers.get("content-type") == "application/x-www-form-urlencoded"
        proof = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if not is_form or request.headers.get("authorization") != f"Basic {proof}":
            return _refusal(kind, 401, "invalid_client" if kind == "discord" else "bad_client_secret")
        made_for = self.codes.pop(form.get("code", ""), None)
        if made_for is None or made_for != form.get("redirect_uri"):
            return _refusal(kind, 400, "invalid_grant" if kind == "discord" else "invalid_code")
        return self._granted(kind)

    def _granted(self, kind: str) -> Reply:
        if kind == "slack":
            return _json({"ok": True, "team": {"name": "Acme"}, "incoming_webhook": self.slack})
        return _json({"access_token": "at", "token_type": "Bearer", "scope": SCOPES[kind], "webhook": self.discord})


def _refusal(kind: str, status: int, error: str) -> Reply:
    """Slack tells its refusals with 200, Discord as RFC 6749 section 5.2 has it."""
    return _json({"ok": False, "error": error}) if kind == "slack" else _json({"error": error}, status)


def _json(document: dict[str, Any], status: int = 200) -> Reply:
    return Reply(status, json.dumps(document).encode(), {"Content-Type": "application/json"})
