"""GitHub's OAuth web flow, and GitHub Enterprise Server's.

https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps. There is no ID token: who it is,
and which addresses are verified, is asked with the access token, which is forgotten right after.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlencode

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from msgspec import Struct

from control_plane.domain.tenants.people import read_email
from control_plane.errors import BadRequest
from control_plane.services.people.admit_person import Identity
from control_plane.services.people.provider import Attempt, ProviderHttp, TokenAnswer, code_of
from control_plane.settings import AuthSettings

_SCOPE = "read:user user:email"
_ACCEPT = "application/vnd.github+json"


class Account(Struct, frozen=True):
    """GET /user. `id` stays when the login changes."""

    id: int
    login: str
    name: str | None = None


class Address(Struct, frozen=True):
    """One of GET /user/emails."""

    email: str
    primary: bool
    verified: bool


class GithubClient:
    """One GitHub."""

    def __init__(self, settings: AuthSettings, http: ProviderHttp) -> None:
        self._settings = settings
        self._issuer = settings.github_url.rstrip("/")
        self._api = settings.github_api_url.rstrip("/")
        self._http = http

    async def begin(self, attempt: Attempt) -> str:
        uri: str = prepare_grant_uri(
            f"{self._issuer}/login/oauth/authorize",
            self._settings.github_client_id,
            "code",
            redirect_uri=attempt.redirect_uri,
            scope=_SCOPE,
            state=attempt.state,
            code_challenge=create_s256_code_challenge(attempt.verifier),
            code_challenge_method="S256",
        )
        return uri

    async def finish(self, attempt: Attempt, query: Mapping[str, str], *, now: datetime) -> Identity:  # noqa: ARG002
        token = await self._exchanged(code_of(query, self._http), attempt)
        account = await self._http.get(f"{self._api}/user", Account, token=token, accept=_ACCEPT)
        addresses = await self._http.get(f"{self._api}/user/emails", list[Address], token=token, accept=_ACCEPT)
        return Identity(self._issuer, str(account.id), _proven_email(addresses), account.name or account.login)

    async def _exchanged(self, code: str, attempt: Attempt) -> str:
        fields = {
            "client_id": self._settings.github_client_id,
            "client_secret": self._settings.github_client_secret,
            "code": code,
            "redirect_uri": attempt.redirect_uri,
            "code_verifier": attempt.verifier,
        }
        url = f"{self._issuer}/login/oauth/access_token"
        answer = await self._http.post(url, TokenAnswer, headers={}, body=urlencode(fields))
        if answer.error or not answer.access_token:
            raise self._http.refused("it took the code for none of its own")
        return answer.access_token


def _proven_email(addresses: list[Address]) -> str | None:
    """The primary address, normalised, if it is verified. Others are not asked: one person, one address."""
    for address in addresses:
        if address.primary and address.verified:
            try:
                return read_email(address.email)
            except BadRequest:
                return None
    return None
