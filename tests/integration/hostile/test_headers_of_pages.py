"""What every answer tells the browser that shows it, and where redirects lead. Made from the table of routes."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from html import unescape
from http.cookies import Morsel, SimpleCookie
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from control_plane.services.pages.hash_page_password import hash_page_password
from control_plane.store.pool import Database
from tests.support.every_page import EveryPage, every_page, settings_of, shown_routes
from tests.support.pages import a_page
from tests.support.serving import OPERATOR_SECRET

EVIL = "evil.example"
ELSEWHERE = (
    "https://evil.example/",
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/%09/evil.example",
    "/%5cevil.example",
    "/app/%0d%0aLocation:%20https://evil.example/",
    "/app/\r\nSet-Cookie: a=b",
    "/app/\r\n\r\n<script>",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "/app/..//evil.example",
    "/app@evil.example",
    "https://farwatch.test@evil.example/",
    "https:evil.example",
    "/\uff0fevil.example",
    "//evil\u3002example",
    "\u2028//evil.example",
    " //evil.example",
    "http://[::1]@evil.example",
    "/app/../../..//evil.example/%2e%2e",
)
NAMES = (
    *("next", "return", "return_to", "redirect", "redirect_uri", "redirect_to", "url", "continue", "back", "here"),
    *("there", "goto", "dest", "destination", "from", "to", "callback", "rurl", "target", "link", "q", "search", "tag"),
)
"""Where an address to go on to could be, and what is shown again."""
LINKS = re.compile(r"""\b(?:href|src|action|formaction|srcset|poster|data|ping|cite)\s*=\s*["']([^"']*)["']""")
HREFS = re.compile(r'<a\b[^>]*\bhref="([^"]*)"')
POLICY = re.compile(r"([a-z-]+) ([^;]*)")
PASSWORD = "open sesame"
NOT_OURS_TO_KEEP = ("no-store", "no-cache")


@pytest.fixture
async def pages(database: Database) -> AsyncIterator[EveryPage]:
    async with every_page(database) as made:
        yield made


def wrong_headers(reply: httpx.Response) -> list[str]:
    """What is missing, or too much."""
    headers, kind = reply.headers, str(reply.headers.get("Content-Type", ""))
    policy: dict[str, str] = dict(POLICY.findall(headers.get("Content-Security-Policy", "")))
    sources = " ".join(policy.values())
    promises = {
        "nosniff": headers.get("X-Content-Type-Options") == "nosniff",
        "not framed by others": policy.get("frame-ancestors") == _framed(policy) or "javascript" in kind,
        "nor by old browsers": headers.get("X-Frame-Options") == _FRAMES[_framed(policy)],
        "nothing unsafe": "unsafe-" not in sources and "*" not in sources and "http" not in sources,
        "no plug-ins": policy.get("object-src", policy.get("default-src")) == "'none'",
        "no scripts from data": "data:" not in policy.get("script-src", policy.get("default-src", "data:")),
        "no referrer for others": headers.get("Referrer-Policy") in ("no-referrer", "same-origin"),
        "whose resource it is": headers.get("Cross-Origin-Resource-Policy") == _whose(kind),
        "no version": headers.get("Server") == "farwatch",
        "who may keep it": "Cache-Control" in headers,
    }
    if kind.startswith("text/html"):
        promises |= {
            "no other base": policy.get("base-uri") == "'none'",
            "forms come here": policy.get("form-action") == "'self'" or _is_a_picture(policy),
            "a window of its own": headers.get("Cross-Origin-Opener-Policy") == "same-origin",
            "no devices": all(f"{each}=()" in _permissions(reply) for each in ("camera", "geolocation", "microphone")),
        }
    return [name for name, kept in promises.items() if not kept]


_FRAMES = {"'none'": "DENY", "'self'": "SAMEORIGIN"}


def _framed(policy: Mapping[str, str]) -> str:
    """Who may frame it: nobody, save that our own editor shows a page that can do nothing."""
    return "'self'" if _is_a_picture(policy) else "'none'"


def _is_a_picture(policy: Mapping[str, str]) -> bool:
    return policy.get("sandbox") == "allow-same-origin"


def _whose(kind: str) -> str:
    """Pictures may be shown by anybody, as badges are; nothing else is for others to include."""
    return "cross-origin" if kind.startswith("image/") else "same-origin"


def _permissions(reply: httpx.Response) -> str:
    return str(reply.headers.get("Permissions-Policy", ""))


async def test_every_answer_says_what_a_browser_may_do_with_it(pages: EveryPage) -> None:
    wrong, seen = [], 0
    links: dict[str, str] = {}
    async with pages.visitor() as http:
        for route in shown_routes():
            for method in ("GET", "HEAD"):
                reply = await http.request(method, pages.address(route))
                seen += reply.status_code == 200
                links |= dict.fromkeys(_links(reply, pages.desk.url), route.operation)
                wrong += [f"{method} {route.operation} {reply.status_code}: {each}" for each in wrong_headers(reply)]
        dead = await _dead(http, links)
    assert wrong == []
    assert seen > 150, "most of the pages have something to show"
    assert dead == []
    await _refusals(pages)


def _links(reply: httpx.Response, base: str) -> list[str]:
    """Addresses of ours that a page offers to go to, without what stands after #."""
    if reply.status_code != 200 or "text/html" not in str(reply.headers.get("Content-Type", "")):
        return []
    found = (urljoin(str(reply.url), unescape(each)).partition("#")[0] for each in HREFS.findall(reply.text))
    return [each for each in found if each.startswith(f"{base}/")]


async def _dead(http: httpx.AsyncClient, links: Mapping[str, str]) -> list[str]:
    """Those that lead nowhere, and the page that each was seen on. Pages only: what streams has no end."""
    assert len(links) > 150, "the pages lead to one another"
    dead = []
    for link, seen_on in links.items():
        async with http.stream("GET", link) as reply:
            if reply.status_code in (404, 405, 410, 500):
                dead.append(f"{seen_on}: {link} answers {reply.status_code}")
    return dead


async def _refusals(pages: EveryPage) -> None:
    """What is not there, or not for strangers, says the same."""
    paths = [pages.address(route) for route in shown_routes()]
    unknown = [re.sub(r"/[\w-]{20,}", "/0197a2f0-0000-7000-8000-000000000000", path) for path in paths]
    unknown += ["/status/nobody", "/status/nobody/history", "/nothing", "/app/%00", "/status/%00", "/%ff", "/app/..;/"]
    async with pages.desk.browser() as http:
        replies = [(path, await http.get(path)) for path in [*paths, *unknown]]
        replies += [(f"PATCH {path}", await http.patch(path)) for path in paths[::7]]
    wrong = [f"{path} {reply.status_code}: {each}" for path, reply in replies for each in wrong_headers(reply)]
    assert wrong == []
    assert {reply.status_code for _path, reply in replies} >= {200, 303, 404, 405}


async def test_what_only_somebody_may_see_is_kept_by_nobody(pages: EveryPage) -> None:
    wrong = []
    async with pages.visitor() as http, pages.desk.browser() as nobody:
        for route in shown_routes():
            path = pages.address(route)
            reply, other = await http.get(path), await nobody.get(path)
            private = reply.status_code != other.status_code or route.path.startswith(("/app", "/operator/ui"))
            caching = reply.headers["Cache-Control"]
            picture = reply.headers.get("Content-Type", "").startswith("image/") and "private" in caching
            if private and not picture and not any(each in caching for each in NOT_OURS_TO_KEEP):
                wrong.append(f"{route.operation}: {caching}")
            if "{token" in route.path and route.operation != "read_feed" and "text/html" in str(reply.headers):
                wrong += [] if reply.headers.get("X-Robots-Tag", "noindex") == "noindex" else [route.operation]
    assert wrong == []


def _elsewhere(reply: httpx.Response, base: str) -> list[str]:
    """Addresses of the answer that lead to another host, or run."""
    found = [unescape(each) for each in LINKS.findall(reply.text)] if "html" in str(reply.headers) else []
    found += [reply.headers["Location"]] if "Location" in reply.headers else []
    return [each for each in found if _leads_away(each, base)]


def _leads_away(link: str, base: str) -> bool:
    """As browsers read it: they take \\ for /, and leave out tabs and line feeds (WHATWG URL, 4.4)."""
    plain = re.sub(r"[\t\r\n]", "", link).strip().replace("\\", "/")
    to = urlsplit(urljoin(base, re.sub(r"^(https?):/*", r"\1://", plain)))
    return EVIL in to.netloc or "。" in to.netloc or to.scheme in ("javascript", "data", "vbscript")


async def test_signing_in_and_passwords_lead_to_pages_of_ours(pages: EveryPage) -> None:
    await _locked(pages)
    for bad in ELSEWHERE:
        async with pages.desk.browser() as http:
            asked = await http.get("/", params={"next": bad})
            reply = await http.post("/login", data={"key": pages.desk.key, "next": bad})
            inside = await http.post("/status/locked-page/unlock", data={"password": PASSWORD, "next": bad})
        assert [_elsewhere(each, pages.desk.url) for each in (asked, reply, inside)] == [[], [], []], bad
        assert (reply.status_code, inside.status_code) == (303, 303), bad
        assert re.fullmatch(r"/app(/[!-~]*)?", reply.headers["Location"]), bad
        assert inside.headers["Location"] == "/status/locked-page", bad
        cookies = {name for each in (reply, inside) for name in _cookies(each)}
        assert cookies == {"farwatch_session", "farwatch_page", "farwatch_page_api"}, bad


async def _locked(pages: EveryPage) -> None:
    async with pages.desk.database.app_transaction() as conn:
        digest = await hash_page_password(PASSWORD)
        await a_page(conn, pages.desk.served.home.tenant_id, "locked-page", password_digest=digest)


async def test_no_parameter_and_no_header_makes_a_page_lead_elsewhere(pages: EveryPage) -> None:
    wrong = []
    claims = {"X-Forwarded-Host": EVIL, "X-Forwarded-Proto": "javascript", "Forwarded": f"host={EVIL};proto=https"}
    claims |= {"X-Original-URL": f"//{EVIL}", "X-Rewrite-URL": f"//{EVIL}", "Referer": f"https://{EVIL}/", "Host": EVIL}
    async with pages.visitor() as http:
        for route in shown_routes():
            path = pages.address(route)
            for bad in ("https://evil.example/", "//evil.example", "javascript:alert(1)"):
                reply = await http.get(path, params=dict.fromkeys(NAMES, bad))
                wrong += [f"{route.operation}: {each}" for each in _elsewhere(reply, pages.desk.url)]
            reply = await http.get(path, headers=claims)
            wrong += [f"{route.operation} by headers: {each}" for each in _elsewhere(reply, pages.desk.url)]
            if EVIL in reply.text:
                wrong.append(f"{route.operation} repeats the host that a request claims")
    assert wrong == []


def _cookies(reply: httpx.Response) -> dict[str, Morsel[str]]:
    found: dict[str, Morsel[str]] = {}
    for header in reply.headers.get_list("Set-Cookie"):
        found |= SimpleCookie(header)
    return found


async def test_over_https_no_neighbour_plants_a_cookie_and_no_script_reads_one(database: Database) -> None:
    slack = {"client_id": "1.2", "client_secret": "a secret of the app"}
    settings = settings_of(server={"public_url": "https://farwatch.test"}, slack=slack)
    async with every_page(database, settings) as pages, pages.desk.browser() as http:
        await _locked(pages)
        signed_in = await http.post("/login", data={"key": pages.desk.key})
        session = {"Cookie": signed_in.headers["Set-Cookie"].partition(";")[0]}
        unlocked = await http.post("/status/locked-page/unlock", data={"password": PASSWORD})
        known = "; ".join(each.partition(";")[0] for each in unlocked.headers.get_list("Set-Cookie"))
        assert (await http.get("/status/locked-page", headers={"Cookie": known})).status_code == 200
        planted = known.replace("__Secure-", "")
        assert (await http.get("/status/locked-page", headers={"Cookie": planted})).status_code == 403
        operator = await http.post("/sign-in/operator", data={"secret": OPERATOR_SECRET})
        replies = [signed_in, unlocked, operator, await http.get("/connect/slack", headers=session)]
    cookies = {name: morsel for reply in replies for name, morsel in _cookies(reply).items()}
    plain = {name.removeprefix("__Host-").removeprefix("__Secure-") for name in cookies}
    assert plain == {
        *("farwatch_session", "farwatch_operator", "farwatch_page", "farwatch_page_api", "farwatch_signing_in"),
    }  # fmt: skip
    for name, morsel in cookies.items():
        assert name.startswith("__Host-" if morsel["path"] == "/" else "__Secure-"), name
        assert morsel["secure"], name
        assert morsel["httponly"], name
        assert morsel["samesite"] in ("Lax", "Strict"), name
        assert morsel["domain"] == "", name
