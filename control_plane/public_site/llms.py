"""/llms.txt (llmstxt.org): what a language model needs to use this installation; /robots.txt."""

from __future__ import annotations

from aiohttp import web

from control_plane.web.call import Call
from control_plane.web.dispatch import PUBLIC_READ
from control_plane.web.routes import Door, Route

_LLMS = """\
# Farwatch

> Multi-region uptime monitoring whose verdicts you can trust. Agents in several regions check a service and vote; an
> incident opens only when enough regions prove it, and the proof is kept with it.

Everything is JSON over HTTP below {origin}/api/v1. Authenticate with an API key in a header, never in the URL:
`Authorization: Bearer $FARWATCH_KEY` (keys begin with `fw_live_`). Each operation names the scope it needs.

- A monitor's `check` is an object tagged by `type` (http, tcp, dns, ping, tls_cert, domain_expiry, heartbeat,
  composite) or a text such as `https://a.example/health`, `tcp://db.example:5432`, `dns://a.example?type=MX`,
  `ping://host`, `tls://host:443`, `domain://a.example`.
- Errors are `{{"error": {{"code", "message", "field", "details", "trace_id"}}}}`. `code` is stable; the message names
  the field, the limit and the remedy. Unknown fields are refused.
- Lists are `{{"items", "total", "limit", "offset"}}`; follow `Link: rel="next"`. Results page by `cursor`.
- PATCH is a JSON merge patch: absent keeps, null clears. Send `Idempotency-Key` with a POST to be able to repeat it.
- A secret reads as `***`; never send that back. Ids are UUIDs, times RFC 3339 in UTC.
- On 429 and 503 wait as many seconds as `Retry-After` says.

## The ten most used calls

{calls}
## Reference

- [Interactive reference]({origin}/docs): every operation with its parameters, bodies and examples
- [OpenAPI 3.1]({origin}/openapi.json): the same for programs
- [Error codes]({origin}/docs/errors): what each code means and what helps
- [Configuration file]({origin}/schemas/config.v1.json): JSON Schema of what /export writes and /plan and /apply take

## Optional

- [Health]({origin}/healthz): whether this process runs; [/readyz]({origin}/readyz) whether it can answer
- The command line `farwatch` does the same: `farwatch --help`, `-o json` for programs
"""
_CALLS = (
    ("Who am I, what may I do, what is left", "GET", "/me", None),
    ("List what is down", "GET", "/monitors?state=down", None),
    ("Watch a URL", "POST", "/monitors", '{"name":"API","check":"https://example.com/health"}'),
    ("Read one monitor with its state", "GET", "/monitors/{id}", None),
    ("Change one", "PATCH", "/monitors/{id}", '{"interval":30}'),
    ("Why is it so: the rule, the votes, the evidence", "GET", "/monitors/{id}/verdict", None),
    ("What the regions saw", "GET", "/monitors/{id}/results?limit=20", None),
    ("Open incidents", "GET", "/incidents?state=open", None),
    ("Acknowledge one", "POST", "/incidents/{id}/acknowledge", '{"note":"Looking into it"}'),
    ("What a configuration file would change", "POST", "/plan", '{"version":1,"monitors":[]}'),
)
_ROBOTS = "User-agent: *\n" + "".join(
    f"Disallow: {path}\n"
    for path in ("/app", "/api/", "/ping/", "/setup/", "/invite/", "/ack/", "/verify/", "/unsubscribe/", "/c/")
)


def llms_text(origin: str) -> str:
    """The page, with this installation's address in it."""
    return _LLMS.format(origin=origin, calls="\n".join(_call(origin, *call) for call in _CALLS))


def _call(origin: str, says: str, method: str, path: str, body: str | None) -> str:
    parts = ["curl"] + ([f"-X {method}"] if method != "GET" else [])
    parts.append('-H "Authorization: Bearer $FARWATCH_KEY"')
    if body is not None:
        parts.append(f"-H 'Content-Type: application/json' -d '{body}'")
    return f"{says}:\n\n```sh\n{' '.join(parts)} '{origin}/api/v1{path}'\n```\n"


async def llms(call: Call) -> web.StreamResponse:
    origin = call.deps.settings.server.public_url.rstrip("/") or str(call.request.url.origin())
    return _text(llms_text(origin))


async def robots(_call: Call) -> web.StreamResponse:
    return _text(_ROBOTS)


def _text(text: str) -> web.Response:
    return web.Response(text=text, content_type="text/plain", charset="utf-8", headers={"Cache-Control": PUBLIC_READ})


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/llms.txt",
        handler=llms,
        operation="get_llms_text",
        summary="What a language model needs to use this installation",
        tag="Meta",
        door=Door.PUBLIC,
        in_openapi=False,
    ),
    Route(
        method="GET",
        path="/robots.txt",
        handler=robots,
        operation="get_robots_text",
        summary="What search engines leave alone",
        tag="Meta",
        door=Door.PUBLIC,
        in_openapi=False,
    ),
)
