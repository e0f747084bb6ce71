"""OpenID Connect (Core 1.0, Discovery 1.0) with the code flow, PKCE and a nonce.

Authlib writes the requests, joserfc reads the tokens; what is sent goes through our guarded client. Metadata and keys
are kept for an hour, and keys are fetched again for a token whose key is not among them, as after a rotation.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jwt import JWTClaimsRegistry
from msgspec import Struct

from control_plane.domain.tenants.people import read_email
from control_plane.errors import BadRequest
from control_plane.services.people.admit_person import Identity
from control_plane.services.people.provider import Attempt, ProviderHttp, TokenAnswer, as_text, code_of
from control_plane.settings import OidcProvider

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""Signatures that only the holder of a private key makes: neither `none` nor a shared secret's."""

LEEWAY_S = 60
"""How far the provider's clock may be off."""

_KEPT_S = 3600.0
_KEY_TYPES = ("RSA", "EC")


class Metadata(Struct, frozen=True):
    """What is read of a provider's discovery document."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class Jwks(Struct, frozen=True):
    """A JWK set (RFC 7517 section 5)."""

    keys: list[dict[str, Any]]


class OidcClient:
    """One provider, with what is remembered of it."""

    def __init__(self, provider: OidcProvider, http: ProviderHttp) -> None:
        self._provider = provider
        self._http = http
        self._metadata: tuple[Metadata, float] | None = None
        self._keys: tuple[KeySet, float] | None = None

    async def begin(self, attempt: Attempt) -> str:
        metadata = await self._discovered()
        uri: str = prepare_grant_uri(
            metadata.authorization_endpoint,
            self._provider.client_id,
            "code",
            redirect_uri=attempt.redirect_uri,
            scope=" ".join(self._provider.scopes),
            state=attempt.state,
            nonce=attempt.nonce,
            code_challenge=create_s256_code_challenge(attempt.verifier),
            code_challenge_method="S256",
        )
        return uri

    async def finish(self, attempt: Attempt, query: Mapping[str, str], *, now: datetime) -> Identity:
        metadata = await self._discovered()
        if query.get("iss", metadata.issuer) != metadata.issuer:  # RFC 9207 section 2.4
            raise self._http.refused("the answer is another provider's")
        tokens = await self._exchanged(metadata, code_of(query, self._http), attempt)
        claims = await self._verified(tokens.id_token, nonce=attempt.nonce, now=now)
        if "email" not in claims and metadata.userinfo_endpoint is not None and tokens.access_token:
            claims |= await self._userinfo(metadata.userinfo_endpoint, tokens.access_token, claims)
        return Identity(
            issuer=metadata.issuer,
            subject=claims["sub"],
            email=self._proven_email(claims),
            name=as_text(claims.get("name")),
        )

    async def _discovered(self) -> Metadata:
        if self._metadata is not None and time.monotonic() < self._metadata[1]:
            return self._metadata[0]
        issuer = self._provider.issuer
        found = await self._http.get(f"{issuer.rstrip('/')}/.well-known/openid-configuration", Metadata)
        if found.issuer != issuer:  # Discovery section 4.3: exactly
            raise self._http.unavailable(f"calls itself {found.issuer!r}, and auth.oidc names {issuer!r}")
        self._metadata = (found, time.monotonic() + _KEPT_S)
        return found

    async def _exchanged(self, metadata: Metadata, code: str, attempt: Attempt) -> TokenAnswer:
        """The tokens for the code (Core section 3.1.3)."""
        body = prepare_token_request(
            "authorization_code", "", attempt.redirect_uri, code=code, code_verifier=attempt.verifier
        )
        auth = ClientAuth(self._provider.client_id, self._provider.client_secret, self._auth_method(metadata))
        uri, headers, body = auth.prepare("POST", metadata.token_endpoint, {}, body)
        # Authlib says how long the body is; so does our client, and once is enough.
        sent = {name: value for name, value in headers.items() if name.lower() != "content-length"}
        answer = await self._http.post(uri, TokenAnswer, headers=sent, body=body)
        if answer.error or not answer.id_token:
            raise self._http.refused("it took the code for none of its own")
        return answer

    def _auth_method(self, metadata: Metadata) -> str:
        if not self._provider.client_secret:
            return "none"
        methods = metadata.token_endpoint_auth_methods_supported
        posts = "client_secret_post" in methods and "client_secret_basic" not in methods
        return "client_secret_post" if posts else "client_secret_basic"

    async def _verified(self, id_token: str, *, nonce: str, now: datetime) -> dict[str, Any]:
        """The claims of an ID token (Core section 3.1.3.7)."""
        client_id = self._provider.client_id
        registry = JWTClaimsRegistry(
            now=int(now.timestamp()),
            leeway=LEEWAY_S,
            iss={"essential": True, "value": self._provider.issuer},
            aud={"essential": True, "value": client_id},
            nonce={"essential": True, "value": nonce},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
        )
        try:
            claims = await self._read(id_token)
            registry.validate(claims)
        except (JoseError, ValueError, TypeError) as error:
            raise self._http.refused(f"its token does not hold ({type(error).__name__})") from None
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if claims.get("azp", None if several else client_id) != client_id:
            raise self._http.refused("its token is for another client")
        return claims

    async def _read(self, id_token: str) -> dict[str, Any]:
        try:
            return _claims_of(id_token, await self._key_set())
        except InvalidKeyIdError:
            return _claims_of(id_token, await self._key_set(anew=True))

    async def _key_set(self, *, anew: bool = False) -> KeySet:
        if not anew and self._keys is not None and time.monotonic() < self._keys[1]:
            return self._keys[0]
        found = await self._http.get((await self._discovered()).jwks_uri, Jwks)
        usable = [key for key in found.keys if key.get("kty") in _KEY_TYPES and key.get("use", "sig") == "sig"]
        keys = KeySet.import_key_set({"keys": usable})
        self._keys = (keys, time.monotonic() + _KEPT_S)
        return keys

    async def _userinfo(self, url: str, token: str, claims: Mapping[str, Any]) -> dict[str, Any]:
        """More claims, of the same person (Core section 5.3.2). Some providers tell addresses only here."""
        found = await self._http.get(url, dict[str, Any], token=token)
        if found.get("sub") != claims["sub"]:
            raise self._http.refused("it tells about somebody else")
        return {name: found[name] for name in ("email", "email_verified", "name") if name in found}

    def _proven_email(self, claims: Mapping[str, Any]) -> str | None:
        """The address that the provider vouches for, normalised."""
        said = claims.get("email_verified")
        proven = said is True or said == "true" or (said is None and self._provider.trust_email)
        email = as_text(claims.get("email"))
        if not proven or email is None:
            return None
        try:
            return read_email(email)
        except BadRequest:
            return None


def _claims_of(id_token: str, keys: KeySet) -> dict[str, Any]:
    return jwt.decode(id_token, keys, algorithms=list(ALGORITHMS)).claims
