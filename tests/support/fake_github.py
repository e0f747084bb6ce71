"""GitHub's OAuth web flow on the loopback, by GitHub's documented rules.

https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps and …/rest/users/emails: refusals
of the token endpoint come with status 200, answers are form-encoded unless JSON is asked for, a code counts once, the
API refuses requests without a User-Agent, and addresses need the scope user:email.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from aiohttp import web

from tests.support.oidc_provider import serve_app

CLIENT_ID = "Iv1.0123456789abcdef"
CLIENT_SECRET = "a secret of GitHub's app"


@dataclass
class Account:
    """Who signs in at GitHub."""

    id: int = 583231
    login: str = "ana"
    name: str | None = "Ana"
    emails: list[dict[str, Any]] = field(
        default_factory=lambda: [
            {"email": "other@example.com", "primary": False, "verified": True, "visibility": None},
            {"email": "Ana@Example.com", "primary": True, "verified": True, "visibility": "private"},
        ]
    )


@dataclass
class _Code:
    account: Account
    redirect_uri: str
    scope: str
    challenge: str | None


class FakeGithub:
    """`callback` is the app's registered callback URL."""

    def __init__(self, callback: str) -> None:
        self.callback = callback
        self.origin = ""
        self._codes: dict[str, _Code] = {}
        self._tokens: dict[str, _Code] = {}

    def sign_in(self, location: str, account: Account) -> str:
        """Where the browser is sent after the person allowed it."""
        split = urlsplit(location)
        query = {name: values[0] for name, values in parse_qs(split.query).items()}
        if split.path != "/login/oauth/authorize" or query.get("client_id") != CLIENT_ID:
            raise AssertionError("404")
        uri = query.get("redirect_uri", self.callback)
        state = {"state": query["state"]} if "state" in query else {}
        if uri != self.callback and not uri.startswith(self.callback + "/"):
            return f"{self.callback}?{urlencode({'error': 'redirect_uri_mismatch', **state})}"
        code = secrets.token_hex(10)
        self._codes[code] = _Code(account, uri, query.get("scope", ""), query.get("code_challenge"))
        return f"{uri}?{urlencode({'code': code, **state})}"

    async def _access_token(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        found = self._codes.pop(form.get("code", ""), None)
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return _answer(request, {"error": "incorrect_client_credentials"})
        if found is None or not _proves(form.get("code_verifier", ""), found.challenge):
            return _answer(request, {"error": "bad_verification_code"})
        if form.get("redirect_uri", found.redirect_uri) != found.redirect_uri:
            return _answer(request, {"error": "redirect_uri_mismatch"})
        token = f"gho_{secrets.token_hex(18)}"
        self._tokens[token] = found
        return _answer(request, {"access_token": token, "scope": found.scope.replace(" ", ","), "token_type": "bearer"})

    def _of(self, request: web.Request) -> _Code | web.Response:
        if not request.headers.get("User-Agent"):
            return web.Response(status=403, text="Request forbidden by administrative rules.")
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        found = self._tokens.get(token) if scheme.lower() in ("bearer", "token") else None
        return found or web.json_response({"message": "Bad credentials"}, status=401)

    async def _user(self, request: web.Request) -> web.Response:
        found = self._of(request)
        if isinstance(found, web.Response):
            return found
        account = found.account
        return web.json_response({"login": account.login, "id": account.id, "name": account.name, "email": None})

    async def _emails(self, request: web.Request) -> web.Response:
        found = self._of(request)
        if isinstance(found, web.Response):
            return found
        if not {"user", "user:email"} & set(found.scope.split()):
            return web.json_response({"message": "Not Found"}, status=404)
        return web.json_response(found.account.emails)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/login/oauth/access_token", self._access_token),
            web.get("/api/user", self._user),
            web.get("/api/user/emails", self._emails),
        ]


def _proves(verifier: str, challenge: str | None) -> bool:
    if challenge is None:
        return True
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == challenge


def _answer(request: web.Request, fields: dict[str, str]) -> web.Response:
    if "application/json" in request.headers.get("Accept", ""):
        return web.json_response(fields)
    return web.Response(text=urlencode(fields), content_type="application/x-www-form-urlencoded")


@asynccontextmanager
async def fake_github(callback: str) -> AsyncIterator[FakeGithub]:
    """A GitHub that listens."""
    github = FakeGithub(callback)
    async with serve_app(github.routes()) as origin:
        github.origin = origin
        yield github
