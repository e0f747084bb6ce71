"""Signing in with an OpenID Connect provider: what a token has to prove, and who may come in."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from control_plane.settings import OidcProvider as ProviderSettings
from control_plane.store.pool import Database
from tests.support.oidc_provider import CLIENT_ID, CLIENT_SECRET, OidcProvider, Person, oidc_provider, unsigned
from tests.support.people import ORIGIN, Browser, House, a_house, inner
from tests.support.serving import settings_with

CALLBACK = f"{ORIGIN}/auth/kc/callback"
MARK = "farwatch_signing_in"


@pytest.fixture
async def provider() -> AsyncIterator[OidcProvider]:
    async with oidc_provider(CALLBACK) as made:
        yield made


def settings_of(provider: OidcProvider, **auth: Any) -> Any:
    trusts = auth.pop("trust_email", False)
    known = ProviderSettings("kc", provider.issuer, CLIENT_ID, CLIENT_SECRET, title="Keycloak", trust_email=trusts)
    return settings_with(
        server={"public_url": ORIGIN}, auth={"oidc": (known,), "allow_cidrs": ("127.0.0.0/8",), **auth}
    )


@pytest.fixture
async def house(database: Database, provider: OidcProvider) -> AsyncIterator[House]:
    """Whoever has an address of example.com may enter."""
    async with a_house(database, settings_of(provider, allowed_domains=("example.com",))) as made:
        yield made


async def go(
    browser: Browser, provider: OidcProvider, person: Person | None = None, *, query: str = ""
) -> httpx.Response:
    """The whole way: off, allowed, and back."""
    away = await browser.http.get(f"/auth/kc/login{query}")
    assert away.status_code == 303, away.text
    return await browser.http.get(inner(provider.sign_in(away.headers["Location"], person or Person())))


async def test_the_sign_in_page_offers_the_provider(house: House) -> None:
    async with house.browser() as browser:
        page = (await browser.http.get("/?next=/app/monitors/new")).text
    assert "Sign in with Keycloak" in page
    assert "/auth/kc/login?next=%2Fapp%2Fmonitors%2Fnew" in page


async def test_a_person_comes_in_and_is_known_again(house: House, provider: OidcProvider) -> None:
    async with house.browser() as browser:
        reply = await go(browser, provider, query="?next=/app/monitors/new")
        assert (reply.status_code, reply.headers["Location"]) == (303, "/app/monitors/new")
        me = await browser.me()
    assert (me["member"]["name"], me["member"]["email"], me["member"]["role"]) == ("Ana", "ana@example.com", "viewer")
    moved = Person(claims={"email": "ana@elsewhere.example", "email_verified": True})
    async with house.browser() as browser:
        assert (await go(browser, provider, moved)).status_code == 303, "the subject is who it is, not the address"
        assert (await browser.me())["member"]["id"] == me["member"]["id"]


@pytest.mark.parametrize("alg", ["RS256", "ES256", "PS256"])
async def test_keys_may_be_of_several_kinds_and_are_rotated(alg: str, house: House, provider: OidcProvider) -> None:
    async with house.browser() as browser:
        assert (await go(browser, provider)).status_code == 303
        provider.rotate(alg)
        assert (await go(browser, provider)).status_code == 303
        assert (await go(browser, provider)).status_code == 303
    assert provider.key_fetches == 2, "once, and once more after the rotation"


FORGED: dict[str, Callable[[OidcProvider, dict[str, Any]], str]] = {
    "another nonce": lambda p, c: p.signed_by(p.keys[0], {**c, "nonce": "x" * 43}),
    "no nonce": lambda p, c: p.signed_by(p.keys[0], {k: v for k, v in c.items() if k != "nonce"}),
    "another audience": lambda p, c: p.signed_by(p.keys[0], {**c, "aud": "somebody-else"}),
    "two audiences, not for us": lambda p, c: p.signed_by(p.keys[0], {**c, "aud": [CLIENT_ID, "b"]}),
    "another authorised party": lambda p, c: p.signed_by(p.keys[0], {**c, "azp": "somebody-else"}),
    "no audience": lambda p, c: p.signed_by(p.keys[0], {k: v for k, v in c.items() if k != "aud"}),
    "another issuer": lambda p, c: p.signed_by(p.keys[0], {**c, "iss": "https://evil.example"}),
    "expired": lambda p, c: p.signed_by(p.keys[0], {**c, "exp": int(time.time()) - 120}),
    "no expiry": lambda p, c: p.signed_by(p.keys[0], {k: v for k, v in c.items() if k != "exp"}),
    "issued tomorrow": lambda p, c: p.signed_by(p.keys[0], {**c, "iat": int(time.time()) + 86_400}),
    "no subject": lambda p, c: p.signed_by(p.keys[0], {k: v for k, v in c.items() if k != "sub"}),
    "a subject that is no text": lambda p, c: p.signed_by(p.keys[0], {**c, "sub": 7}),
    "alg none": lambda _p, c: unsigned(c),
    "a stranger's key": lambda p, c: p.signed_by(
        RSAKey.generate_key(2048, {"kid": str(p.keys[0].kid), "alg": "RS256"}), c
    ),
    "an unpublished key": lambda p, c: p.signed_by(RSAKey.generate_key(2048, {"kid": "unheard", "alg": "RS256"}), c),
    "the public key as a shared secret": lambda p, c: jwt.encode(
        {"alg": "HS256", "kid": str(p.keys[0].kid)},
        c,
        OctKey.import_key(CLIENT_SECRET),
        algorithms=["HS256"],
    ),
    "no token at all": lambda _p, _c: "",
    "half a token": lambda p, c: p.signed_by(p.keys[0], c)[:-40],
    "no JSON in it": lambda _p, _c: "e30.e30.e30",
}


@pytest.mark.parametrize("forged", FORGED)
async def test_a_token_that_does_not_hold_lets_nobody_in(forged: str, house: House, provider: OidcProvider) -> None:
    provider.sign = lambda claims: FORGED[forged](provider, claims)
    async with house.browser() as browser:
        reply = await go(browser, provider)
        assert reply.status_code == 403
        assert "SIGN_IN_REFUSED" in reply.text
        assert (await browser.http.get("/app")).status_code == 303
    assert await house.rows("SELECT FROM users") == await house.rows("SELECT FROM sessions") == []


async def test_several_audiences_will_do_when_we_are_the_authorised_party(house: House, provider: OidcProvider) -> None:
    provider.bend = lambda claims: {**claims, "aud": [CLIENT_ID, "api"], "azp": CLIENT_ID}
    async with house.browser() as browser:
        assert (await go(browser, provider)).status_code == 303


@pytest.mark.parametrize(
    "claims",
    [
        {"email": "ana@example.com", "email_verified": False},
        {"email": "ana@example.com", "email_verified": "false"},
        {"email": "ana@example.com"},
        {"email": "not an address", "email_verified": True},
        {"email": ["ana@example.com"], "email_verified": True},
        {},
    ],
)
async def test_an_address_that_nobody_vouches_for_opens_nothing(
    claims: dict[str, Any], house: House, provider: OidcProvider
) -> None:
    async with house.browser() as browser:
        reply = await go(browser, provider, Person(claims=claims))
        assert reply.status_code == 403
        assert "EMAIL_NOT_VERIFIED" in reply.text


async def test_a_trusted_provider_need_not_say_that_it_verified(database: Database, provider: OidcProvider) -> None:
    settings = settings_of(provider, allowed_domains=("example.com",), trust_email=True)
    async with a_house(database, settings) as house, house.browser() as browser:
        said_no = Person("b", {"email": "b@example.com", "email_verified": False})
        assert (await go(browser, provider, said_no)).status_code == 403, "a plain no stays one"
        assert (await go(browser, provider, Person(claims={"email": "ana@example.com"}))).status_code == 303


async def test_an_address_told_at_the_userinfo_endpoint_counts(house: House, provider: OidcProvider) -> None:
    person = Person(claims={}, userinfo={"email": "ana@example.com", "email_verified": True, "name": "Ana U"})
    async with house.browser() as browser:
        assert (await go(browser, provider, person)).status_code == 303
        assert (await browser.me())["member"]["name"] == "Ana U"
    other = Person("bob", claims={}, userinfo={"sub": "ana-1", "email": "ana@example.com", "email_verified": True})
    async with house.browser() as browser:
        assert "SIGN_IN_REFUSED" in (await go(browser, provider, other)).text


async def test_an_address_that_was_handed_on_is_not_the_person_before(house: House, provider: OidcProvider) -> None:
    async with house.browser() as browser:
        assert (await go(browser, provider)).status_code == 303
        reply = await go(browser, provider, Person("ana-2"))
        assert (reply.status_code, "ADDRESS_TAKEN" in reply.text) == (403, True)
    assert len(await house.rows("SELECT FROM users")) == 1


async def test_who_said_an_address_is_not_who_proves_it(house: House, provider: OidcProvider) -> None:
    await house.rows(
        "INSERT INTO users (id, email, email_proven, name) VALUES (gen_random_uuid(), 'ana@example.com', false, 'Eve')"
    )
    async with house.browser() as browser:
        assert (await go(browser, provider)).status_code == 303
        assert (await browser.me())["member"]["name"] == "Ana"
    assert len(await house.rows("SELECT FROM users")) == 2


async def test_a_stranger_stays_outside(house: House, provider: OidcProvider) -> None:
    stranger = Person("eve", {"email": "eve@sub.example.com", "email_verified": True})
    async with house.browser() as browser:
        reply = await go(browser, provider, stranger)
        assert reply.status_code == 403
        assert "NOT_A_MEMBER" in reply.text
    assert await house.rows("SELECT FROM users") == []


async def test_a_client_that_posts_its_secret_is_let_in_as_well(house: House, provider: OidcProvider) -> None:
    provider.auth_methods = ["client_secret_post"]
    async with house.browser() as browser:
        assert (await go(browser, provider)).status_code == 303


async def test_a_code_counts_once_and_a_state_in_its_own_browser(house: House, provider: OidcProvider) -> None:
    async with house.browser() as mine, house.browser() as theirs:
        away = await mine.http.get("/auth/kc/login")
        back = inner(provider.sign_in(away.headers["Location"], Person()))
        await theirs.http.get("/auth/kc/login")
        assert "SIGN_IN_STALE" in (await theirs.http.get(back)).text, "a planted sign-in"
        away = await mine.http.get("/auth/kc/login")
        back = inner(provider.sign_in(away.headers["Location"], Person()))
        assert (await mine.http.get(back)).status_code == 303
        assert "SIGN_IN_STALE" in (await mine.http.get(back)).text
        assert MARK not in mine.http.cookies


async def test_a_sign_in_that_took_too_long_is_over(house: House, provider: OidcProvider) -> None:
    async with house.browser() as browser:
        away = await browser.http.get("/auth/kc/login")
        await house.rows("UPDATE login_states SET expires_at = now()")
        reply = await browser.http.get(inner(provider.sign_in(away.headers["Location"], Person())))
        assert "SIGN_IN_STALE" in reply.text


@pytest.mark.parametrize("query", ["", "?state=x&code=y", "?error=access_denied&state=x", "?state=%00"])
async def test_a_callback_out_of_nowhere_is_told_so(query: str, house: House) -> None:
    async with house.browser() as browser:
        reply = await browser.http.get(f"/auth/kc/callback{query}")
        assert reply.status_code in (400, 403)
        assert not browser.http.cookies


async def test_what_the_person_did_not_allow_is_said(house: House) -> None:
    async with house.browser() as browser:
        away = await browser.http.get("/auth/kc/login")
        state = httpx.URL(away.headers["Location"]).params["state"]
        reply = await browser.http.get("/auth/kc/callback", params={"error": "access_denied", "state": state})
        assert "you did not allow it" in reply.text


async def test_another_providers_answer_is_refused(house: House, provider: OidcProvider) -> None:
    async with house.browser() as browser:
        away = await browser.http.get("/auth/kc/login")
        back = httpx.URL(inner(provider.sign_in(away.headers["Location"], Person())))
        reply = await browser.http.get(back.copy_set_param("iss", "https://other.example"))
        assert "SIGN_IN_REFUSED" in reply.text


async def test_a_provider_that_calls_itself_otherwise_is_not_asked(house: House, provider: OidcProvider) -> None:
    provider.said_issuer = "https://other.example"
    async with house.browser() as browser:
        reply = await browser.http.get("/auth/kc/login")
        assert reply.status_code == 503
        assert "PROVIDER_UNAVAILABLE" in reply.text


async def test_a_provider_in_a_private_network_needs_the_setting(database: Database, provider: OidcProvider) -> None:
    async with a_house(database, settings_of(provider, allow_cidrs=())) as house, house.browser() as browser:
        reply = await browser.http.get("/auth/kc/login")
        assert (reply.status_code, "may not be reached" in reply.text) == (503, True)


async def test_an_unknown_provider_is_not_there(house: House) -> None:
    async with house.browser() as browser:
        for path in ("/auth/x/login", "/auth/x/callback", "/auth/github/login"):
            assert (await browser.http.get(path)).status_code == 404


async def test_many_sign_ins_of_one_address_are_slowed_down(database: Database, provider: OidcProvider) -> None:
    settings = settings_of(provider)
    limited = settings_with(
        server={"public_url": ORIGIN},
        security={"failed_auth_per_minute": 3},
        auth={name: getattr(settings.auth, name) for name in ("oidc", "allow_cidrs")},
    )
    async with a_house(database, limited) as house, house.browser() as browser:
        statuses = [(await browser.http.get("/auth/kc/login")).status_code for _ in range(4)]
    assert statuses == [303, 303, 303, 429]


async def test_nothing_of_a_sign_in_is_readable_in_the_database(house: House, provider: OidcProvider) -> None:
    async with house.browser() as browser:
        away = await browser.http.get("/auth/kc/login")
        query = httpx.URL(away.headers["Location"]).params
        row = (await house.rows("SELECT * FROM login_states"))[0]
        stored = b"|".join(value if isinstance(value, bytes) else str(value).encode() for value in row.values())
        assert query["state"].encode() not in stored
        assert query["nonce"].encode() not in stored
        assert browser.http.cookies[MARK].encode() not in stored
