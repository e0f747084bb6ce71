"""An OpenID Connect provider on the loopback, written against the specifications: it refuses what a provider refuses.

It knows one client and one redirect URI. `sign_in` stands for the person at the browser: it judges the authorization
request as a provider must, and answers with the redirect. What tokens say can be bent, to see whether we notice.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

import msgspec
from aiohttp import web
from joserfc import jwt
from joserfc.jwk import ECKey, KeyParameters, KeySet, RSAKey

CLIENT_ID = "farwatch-test"
CLIENT_SECRET = "a client's secret, which is nobody else's"


@dataclass
class Person:
    """Who signs in. `claims` are those of the ID token beyond the protocol's own; `userinfo` those of that endpoint."""

    subject: str = "ana-1"
    claims: dict[str, Any] = field(
        default_factory=lambda: {"email": "ana@example.com", "email_verified": True, "name": "Ana"}
    )
    userinfo: dict[str, Any] = field(default_factory=dict)


@dataclass
class _Grant:
    person: Person
    nonce: str
    challenge: str
    redirect_uri: str


Bend = Callable[[dict[str, Any]], dict[str, Any]]


class OidcProvider:
    """`bend` changes the claims of the next tokens; `alg` and `key` how they are signed."""

    def __init__(self, redirect_uri: str) -> None:
        self.redirect_uri = redirect_uri
        self.issuer = ""
        self.bend: Bend = lambda claims: claims
        self.sign: Callable[[dict[str, Any]], str] = self._signed
        self.auth_methods = ["client_secret_basic"]
        self.said_issuer: str | None = None
        self.key_fetches = 0
        self.refusals: list[str] = []
        self._grants: dict[str, _Grant] = {}
        self._tokens: dict[str, Person] = {}
        self.keys: list[RSAKey | ECKey] = []
        self.rotate("RS256")

    def rotate(self, alg: str) -> None:
        """Sign with a new key from now on; the ones before are not published any more."""
        kid = secrets.token_hex(4)
        parameters: KeyParameters = {"kid": kid, "use": "sig", "alg": alg}
        if alg.startswith("ES"):
            self.keys = [ECKey.generate_key("P-256", parameters)]
        else:
            self.keys = [RSAKey.generate_key(2048, parameters)]

    def sign_in(self, location: str, person: Person) -> str:
        """Where the browser is sent after the person allowed it. Raises AssertionError for a wrong request."""
        split = urlsplit(location)
        query = {name: values[0] for name, values in parse_qs(split.query).items()}
        assert f"{split.scheme}://{split.netloc}" == self.issuer
        assert split.path == "/authorize"
        assert query["response_type"] == "code"
        assert query["client_id"] == CLIENT_ID
        assert query["redirect_uri"] == self.redirect_uri, "compared as text (OpenID Connect Core section 3.1.2.1)"
        assert "openid" in query["scope"].split()
        assert query["code_challenge_method"] == "S256"
        assert len(query["code_challenge"]) == 43
        assert len(query["state"]) >= 32
        assert len(query["nonce"]) >= 32
        code = secrets.token_urlsafe(16)
        self._grants[code] = _Grant(person, query["nonce"], query["code_challenge"], query["redirect_uri"])
        return f"{self.redirect_uri}?{urlencode({'code': code, 'state': query['state'], 'iss': self.issuer})}"

    async def _configuration(self, _request: web.Request) -> web.Response:
        return web.json_response(
            {
                "issuer": self.said_issuer or self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "userinfo_endpoint": f"{self.issuer}/userinfo",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256", "ES256"],
                "token_endpoint_auth_methods_supported": self.auth_methods,
            }
        )

    async def _keys(self, _request: web.Request) -> web.Response:
        self.key_fetches += 1
        return web.json_response(KeySet([*self.keys]).as_dict(private=False))

    async def _token(self, request: web.Request) -> web.Response:
        """RFC 6749 section 4.1.3: the client proves itself, and the code counts once, with its verifier."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        grant = self._grants.pop(form.get("code", ""), None)
        problem = self._problem(request, form, grant)
        if problem is not None or grant is None:
            self.refusals.append(problem or "unknown code")
            return web.json_response({"error": problem or "invalid_grant"}, status=400)
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "sub": grant.person.subject,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": grant.nonce,
            **grant.person.claims,
        }
        token = secrets.token_urlsafe(16)
        self._tokens[token] = grant.person
        answer = {"access_token": token, "token_type": "Bearer", "id_token": self.sign(self.bend(claims))}
        return web.json_response(answer, headers={"Cache-Control": "no-store"})

    def _problem(self, request: web.Request, form: dict[str, str], grant: _Grant | None) -> str | None:
        if not self._is_client(request, form):
            return "invalid_client"
        if form.get("grant_type") != "authorization_code":
            return "unsupported_grant_type"
        if grant is None or form.get("redirect_uri") != grant.redirect_uri:
            return "invalid_grant"
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        return None if challenge == grant.challenge else "invalid_grant"

    def _is_client(self, request: web.Request, form: dict[str, str]) -> bool:
        if "client_secret_basic" in self.auth_methods:
            scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
            given = base64.b64decode(encoded).decode().split(":", 1) if scheme == "Basic" else []
            return [unquote_plus(part) for part in given] == [CLIENT_ID, CLIENT_SECRET] and "client_secret" not in form
        return (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)

    async def _userinfo(self, request: web.Request) -> web.Response:
        person = self._tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
        if person is None:
            return web.json_response({"error": "invalid_token"}, status=401)
        return web.json_response({"sub": person.subject, **person.userinfo})

    def _signed(self, claims: dict[str, Any]) -> str:
        return self.signed_by(self.keys[0], claims)

    def signed_by(self, key: RSAKey | ECKey, claims: dict[str, Any]) -> str:
        """A token under this key, whether it is published or not."""
        return jwt.encode(
            {"alg": str(key.get("alg")), "kid": str(key.kid)}, claims, key, algorithms=[str(key.get("alg"))]
        )

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/.well-known/openid-configuration", self._configuration),
            web.get("/keys", self._keys),
            web.post("/token", self._token),
            web.get("/userinfo", self._userinfo),
        ]


def unsigned(claims: dict[str, Any]) -> str:
    """A token of alg none (RFC 7519 section 6)."""
    parts = ({"alg": "none", "typ": "JWT"}, claims)
    return ".".join(base64.urlsafe_b64encode(msgspec.json.encode(part)).rstrip(b"=").decode() for part in parts) + "."


@asynccontextmanager
async def serve_app(routes: list[web.RouteDef], port: int = 0) -> AsyncIterator[str]:
    """Serve these routes on the loopback; yields the origin."""
    app = web.Application()
    app.add_routes(routes)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def oidc_provider(redirect_uri: str) -> AsyncIterator[OidcProvider]:
    """A provider that listens."""
    provider = OidcProvider(redirect_uri)
    async with serve_app(provider.routes()) as origin:
        provider.issuer = origin
        yield provider
