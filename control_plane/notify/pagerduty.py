"""PagerDuty: events that open, acknowledge and resolve an alert (Events API v2).

https://developer.pagerduty.com/docs/send-alert-event

202, 200        accepted
3xx, 400, 413   given up: what is malformed once is malformed always; PagerDuty says in `errors` what it is
any other       tried again: 429 and 5xx as PagerDuty asks for

One incident is one alert: its id is the `dedup_key` of everything that is told of it. Events that are no incident's are
change events, which page nobody (https://developer.pagerduty.com/docs/send-change-event).
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar, Literal

import msgspec
from msgspec import Struct

from control_plane.domain.alerting.delivery import retry_after
from control_plane.domain.channels import channel_rules, pagerduty_rules
from control_plane.notify.body_facts import BodyFacts, body_facts
from control_plane.notify.excerpt import excerpt
from control_plane.notify.guarded_http import Answer
from control_plane.notify.tools import Tools
from control_plane.notify.transport import Configuration, Message, Parts, Sent, Transport
from control_plane.notify.transport_error import TransportError
from shared.netpolicy import parse_http_url

HOSTS = {"us": "events.pagerduty.com", "eu": "events.eu.pagerduty.com"}

SUMMARY_LIMIT = 1024
"""Characters of `payload.summary`."""

EVENT_LIMIT = 512 * 1024
"""Bytes of a whole event; a larger one is refused with 413. Details are left out of ours before that."""

SEVERITIES = {"critical": "critical", "major": "error", "minor": "warning"}
"""Of an incident, as PagerDuty calls them."""

REFUSED_FOR_GOOD = frozenset({400, 413})

TEST_CALL_S = 3.0
"""How long one call of a test may take: all of them fit into the time that one delivery has."""

TEST_RESOLVES = 3
"""How often a test tries to resolve what it has opened."""

USER_AGENT = "Farwatch-PagerDuty/1"

Action = Literal["trigger", "acknowledge", "resolve", "change"]


class PagerDuty(Configuration, frozen=True, tag="pagerduty"):
    """The integration key of a service, and the service region of its account."""

    routing_key: str
    region: str = "us"


class Call(Struct, frozen=True):
    """One event: where it goes below the host, and the document."""

    path: str
    document: dict[str, Any]


class PagerDutyTransport(Transport[PagerDuty]):
    """Sends events to PagerDuty."""

    configuration: ClassVar[type[PagerDuty]] = PagerDuty
    digests: ClassVar[bool] = False

    def __init__(self, tools: Tools) -> None:
        self._http = tools.http

    def prepared(self, config: PagerDuty, *, entropy: bytes) -> PagerDuty:  # noqa: ARG002  # no secret of ours
        """A key and a region as PagerDuty documents them. Raises BadRequest."""
        pagerduty_rules.check_routing_key(config.routing_key)
        if config.region not in pagerduty_rules.REGIONS:
            raise channel_rules.invalid("region is us or eu: where the account lives", field="/config/region")
        return config

    def parts(self, config: PagerDuty) -> Parts:
        """The key is sealed."""
        return Parts(
            shown={"type": "pagerduty", "routing_key": channel_rules.MASK, "region": config.region},
            secrets={"routing_key": config.routing_key},
            host=HOSTS[config.region],
        )

    async def send(self, config: PagerDuty, message: Message) -> Sent:
        """One event, or the two of a test. Raises TransportError."""
        if message.notice == "test":
            return await self._test(config, message)
        return await self._call(config, call_of(message, routing_key=config.routing_key), message)

    async def _test(self, config: PagerDuty, message: Message) -> Sent:
        """Trigger and resolve. Whatever the trigger came to, unless it was refused, it may have opened an incident."""
        key = f"farwatch-test-{message.message_id}"
        trigger = triggered(message, body_facts(message.body), dedup_key=key, routing_key=config.routing_key)
        try:
            sent = await self._soon(config, trigger, message)
        except TransportError as failed:
            if not failed.permanent and failed.http_status != 429:
                await self._close(config, key, message)
            raise
        unresolved = await self._close(config, key, message)
        if unresolved is not None:
            raise TransportError(
                f"The test was taken, but it could not be resolved again: resolve the alert {key} in PagerDuty. "
                f"{unresolved.message}",
                permanent=True,
                http_status=unresolved.http_status,
                response=unresolved.response,
            )
        return sent

    async def _close(self, config: PagerDuty, key: str, message: Message) -> TransportError | None:
        """Resolve what a test has opened; the last failure if that could not be done."""
        call = followed("resolve", dedup_key=key, routing_key=config.routing_key)
        last: TransportError | None = None
        for tried in range(TEST_RESOLVES):
            try:
                await self._soon(config, call, message)
            except TransportError as failed:
                last = failed
                await asyncio.sleep(0.2 * (tried + 1))
            else:
                return None
        return last

    async def _soon(self, config: PagerDuty, call: Call, message: Message) -> Sent:
        try:
            async with asyncio.timeout(TEST_CALL_S):
                return await self._call(config, call, message)
        except TimeoutError:
            raise TransportError(f"{HOSTS[config.region]} did not answer within {TEST_CALL_S:g} s") from None

    async def _call(self, config: PagerDuty, call: Call, message: Message) -> Sent:
        url = parse_http_url(f"https://{HOSTS.get(config.region, HOSTS['us'])}{call.path}")
        headers = {"User-Agent": USER_AGENT, "Content-Type": "application/json", "Accept-Encoding": "identity"}
        answer = await self._http.post(url, headers=headers, body=encoded(call.document))
        return _judged(answer, message=message, secret=config.routing_key)


def call_of(message: Message, *, routing_key: str) -> Call:
    """The event that tells of a notice."""
    facts = body_facts(message.body)
    key = str(message.incident_id) if message.incident_id is not None else facts.incident_id
    action = _action(message, facts)
    match action:
        case "change":
            return _changed(message, facts, routing_key=routing_key)
        case "trigger":
            # A notice without an incident could never be resolved: its key is its own.
            return triggered(message, facts, dedup_key=key or str(message.message_id), routing_key=routing_key)
        case _:
            return followed(action, dedup_key=key or str(message.message_id), routing_key=routing_key)


def _action(message: Message, facts: BodyFacts) -> Action:
    event = facts.event.removeprefix("operator.")
    if event == "incident.resolved" or (not event and message.notice == "resolved"):
        return "resolve"
    if event == "incident.acknowledged":
        return "acknowledge"
    if message.notice == "event" and event not in ("incident.opened", "incident.updated"):
        return "change"
    return "trigger"


def triggered(message: Message, facts: BodyFacts, *, dedup_key: str, routing_key: str) -> Call:
    """Open the alert, or tell more of it: PagerDuty adds it to the log of the one that is open."""
    words, subject, incident = message.words, facts.subject, facts.incident
    severity = words.severity or (incident.severity if incident is not None else None)
    payload: dict[str, Any] = {
        "summary": _cut(words.title),
        "source": subject.name or "Farwatch",
        "severity": SEVERITIES.get(severity or "", "info"),
        "timestamp": (facts.occurred_at or message.sent_at).isoformat(),
        "component": subject.name,
        "group": subject.group,
        "class": None if incident is None else incident.type,
        "custom_details": _details(message, facts),
    }
    document: dict[str, Any] = {
        "routing_key": routing_key,
        "event_action": "trigger",
        "dedup_key": dedup_key,
        "payload": {name: value for name, value in payload.items() if value not in (None, "")},
        "client": "Farwatch",
    }
    if words.url is not None:
        document |= {"client_url": words.url, "links": _links(message)}
    return Call("/v2/enqueue", document)


def followed(action: Action, *, dedup_key: str, routing_key: str) -> Call:
    """Acknowledge or resolve the alert of this key."""
    return Call("/v2/enqueue", {"routing_key": routing_key, "event_action": action, "dedup_key": dedup_key})


def _changed(message: Message, facts: BodyFacts, *, routing_key: str) -> Call:
    payload = {
        "summary": _cut(message.words.title),
        "source": facts.subject.name or "Farwatch",
        "timestamp": (facts.occurred_at or message.sent_at).isoformat(),
        "custom_details": _details(message, facts),
    }
    return Call("/v2/change/enqueue", {"routing_key": routing_key, "payload": payload, "links": _links(message)})


def _links(message: Message) -> list[dict[str, str]]:
    url = message.words.url
    return [] if url is None else [{"href": url, "text": "The incident in Farwatch"}]


def _details(message: Message, facts: BodyFacts) -> dict[str, Any]:
    shown = {name: value for name, value in facts.whole.items() if name not in ("delivery_id", "tenant_id")}
    return {"text": message.words.text, **shown}


def encoded(document: dict[str, Any]) -> bytes:
    """The event within PagerDuty's limit: without its details where it would not fit."""
    body = msgspec.json.encode(document)
    if len(body) <= EVENT_LIMIT or "payload" not in document:
        return body
    payload = {name: value for name, value in document["payload"].items() if name != "custom_details"}
    return msgspec.json.encode({**document, "payload": payload})


def _cut(text: str) -> str:
    return text if len(text) <= SUMMARY_LIMIT else text[: SUMMARY_LIMIT - 1] + "…"


def _judged(answer: Answer, *, message: Message, secret: str) -> Sent:
    status, response = answer.status, excerpt(answer.body, secrets=[secret])
    if 200 <= status < 300:
        return Sent(http_status=status, response=response)
    told = _errors(answer.body, secret) if status in REFUSED_FOR_GOOD else ""
    raise TransportError(
        f"PagerDuty answered {status}{told}",
        permanent=300 <= status < 400 or status in REFUSED_FOR_GOOD,
        retry_after=retry_after(answer.retry_after, now=message.sent_at),
        http_status=status,
        response=response,
    )


class _Refusal(Struct):
    message: str = ""
    errors: list[str] = []


def _errors(body: bytes, secret: str) -> str:
    """What PagerDuty says is wrong, such as an invalid routing key."""
    try:
        said = msgspec.json.decode(body, type=_Refusal)
    except msgspec.MsgspecError:
        return ""
    text = excerpt("; ".join(said.errors or [said.message]).encode(), secrets=[secret])
    return f": {text}" if text else ""
