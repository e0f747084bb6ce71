"""Alertmanager: alerts for one of the tenant's own, by its API version 2.

https://prometheus.io/docs/alerting/latest/clients/, https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml

2xx        taken
3xx, 400   given up: a redirect is never followed, and an alert that is malformed is so always
any other  tried again, 401 and 403 too: a credential may be set meanwhile

Alertmanager knows an alert by its labels, so those of an incident stay what they were when it was first told, whatever
becomes of the monitor's name and tags; they are kept as the receipt. Only `severity` follows the incident, because
routes go by it: then the alert of the former severity ends in the same request. An alert without an end would be
resolved after Alertmanager's resolve_timeout, so an open one ends far ahead.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from control_plane.domain.channels import alertmanager_rules, channel_rules, receiver_credentials
from control_plane.notify.body_facts import BodyFacts, body_facts
from control_plane.notify.own_server import authorization, judged, kept
from control_plane.notify.tools import Tools
from control_plane.notify.transport import Configuration, Message, Parts, Sent, Transport
from control_plane.notify.transport_error import TransportError
from shared.netpolicy import HttpUrl, UrlRefused, judge_host, parse_http_url

OPEN_FOR = timedelta(days=30)
"""How far ahead the end of an open alert is. Each further notice of the incident puts it off again."""

EVENT_FOR = timedelta(minutes=5)
"""How long an alert lasts that nothing will resolve: a test, or an event that is no incident's."""

SEVERITIES = ("critical", "major", "minor")

REFUSED_FOR_GOOD = frozenset({400})

USER_AGENT = "Farwatch-Alertmanager/1"


class Alertmanager(Configuration, frozen=True, tag="alertmanager"):
    """The root of an Alertmanager. Either an access token, or a name and a password, or nothing."""

    url: str
    access_token: str | None = None
    username: str | None = None
    password: str | None = None


class Identity(Struct, frozen=True):
    """The labels of an incident's alert but its severity, and the severity it was first told with."""

    labels: dict[str, str]
    severity: str


class AlertmanagerTransport(Transport[Alertmanager]):
    """Posts alerts under the address guard."""

    configuration: ClassVar[type[Alertmanager]] = Alertmanager
    digests: ClassVar[bool] = False

    def __init__(self, tools: Tools) -> None:
        self._http = tools.http

    def prepared(self, config: Alertmanager, *, entropy: bytes) -> Alertmanager:  # noqa: ARG002  # no secret of ours
        """The canonical root, and one way of signing in. Raises BadRequest."""
        receiver_credentials.check_credentials(config.access_token, username=config.username, password=config.password)
        return msgspec.structs.replace(config, url=str(self._read_root(config.url)))

    def parts(self, config: Alertmanager) -> Parts:
        """Token, password and URL are sealed: a path before a proxy may be all that protects it."""
        given = {"url": config.url, "access_token": config.access_token, "password": config.password}
        secrets = {name: value for name, value in given.items() if value is not None}
        shown = {
            "type": "alertmanager",
            **({"username": config.username} if config.username is not None else {}),
            **dict.fromkeys(secrets, channel_rules.MASK),
        }
        return Parts(shown=shown, secrets=secrets, host=parse_http_url(config.url).host_header)

    async def send(self, config: Alertmanager, message: Message) -> Sent:
        """One request with the alerts of one notice. Raises TransportError."""
        try:
            url = parse_http_url(config.url.rstrip("/") + "/api/v2/alerts")
        except UrlRefused as refused:
            raise TransportError(f"The channel's URL cannot be used: {refused.message}", permanent=True) from None
        alerts, identity = alerts_of(message)
        answer = await self._http.post(url, headers=_headers(config), body=msgspec.json.encode(alerts))
        sent = judged(
            answer,
            server="Alertmanager",
            given_up=REFUSED_FOR_GOOD,
            message=message,
            response=kept(answer.body, config, url=config.url),
        )
        return msgspec.structs.replace(sent, receipt=None if identity is None else msgspec.to_builtins(identity))

    def _read_root(self, text: str) -> HttpUrl:
        try:
            url = parse_http_url(text)
            judge_host(url, self._http.policy)
        except UrlRefused as refused:
            raise channel_rules.refused_url(refused) from None
        alertmanager_rules.check_root(url)
        if url.scheme == "http" and not self._http.policy.is_private:
            raise channel_rules.invalid("The Alertmanager's URL must be https", field="/config/url")
        return url


def alerts_of(message: Message) -> tuple[list[dict[str, Any]], Identity | None]:
    """What is posted for a notice, and what later ones of its incident need of it."""
    facts = body_facts(message.body)
    if message.notice == "test" or facts.incident is None:
        return [_passing(message, facts)], None
    now = message.sent_at
    started, severity = facts.incident.started_at or now, facts.incident.severity or "major"
    identity = _identity(message, facts, severity)
    resolved = facts.event.endswith(".resolved")
    end = max(started, facts.incident.resolved_at or now) if resolved else now + OPEN_FOR
    alert = _alert(message, facts, labels=identity.labels | {"severity": severity}, starts=started, ends=end)
    former = [
        _alert(message, facts, labels=identity.labels | {"severity": other}, starts=started, ends=max(started, now))
        for other in _formerly(message, facts, identity=identity, severity=severity)
    ]
    return [alert, *former], identity if message.receipt is None else None


def _formerly(message: Message, facts: BodyFacts, *, identity: Identity, severity: str) -> list[str]:
    """Severities that the incident may have been told with before, other than its present one."""
    if message.receipt is None or (identity.severity == severity and not facts.event.endswith(".updated")):
        return []
    return [other for other in SEVERITIES if other != severity]


def _identity(message: Message, facts: BodyFacts, severity: str) -> Identity:
    if message.receipt is not None:
        try:
            return msgspec.convert(message.receipt, Identity)
        except msgspec.ValidationError:
            pass  # of another release: the labels are made anew
    incident_id = str(message.incident_id) if message.incident_id is not None else facts.incident_id
    labels = {"alertname": "FarwatchIncident", "incident": incident_id or "", **_labels_of(facts)}
    if facts.incident is not None:
        labels["type"] = facts.incident.type
    return Identity(_said(labels), severity)


def _labels_of(facts: BodyFacts) -> dict[str, str]:
    labels = {name: subject.name for name, subject in _subjects(facts)}
    if facts.monitor is not None:
        labels |= {"monitor_id": facts.monitor.id, "kind": facts.monitor.kind, "group": facts.monitor.group or ""}
        labels |= alertmanager_rules.tag_labels(facts.monitor.tags)
    return labels


def _subjects(facts: BodyFacts) -> list[tuple[str, Any]]:
    named = (("monitor", facts.monitor), ("agent", facts.agent), ("region", facts.region))
    return [(name, subject) for name, subject in named if subject is not None]


def _passing(message: Message, facts: BodyFacts) -> dict[str, Any]:
    """An alert that ends by itself."""
    name = "FarwatchTest" if message.notice == "test" else "FarwatchEvent"
    labels = _said({"alertname": name, "event": facts.event, "severity": "info", **_labels_of(facts)})
    now = message.sent_at
    return _alert(message, facts, labels=labels, starts=now, ends=now + EVENT_FOR)


def _alert(
    message: Message, facts: BodyFacts, *, labels: dict[str, str], starts: datetime, ends: datetime
) -> dict[str, Any]:
    words = message.words
    told = {
        "summary": words.title,
        "description": words.text,
        "state": "" if facts.incident is None else facts.incident.state,
        "cause": "" if facts.incident is None else facts.incident.cause,
    }
    alert: dict[str, Any] = {"labels": labels, "annotations": _said(told), "startsAt": starts, "endsAt": ends}
    return alert if words.url is None else alert | {"generatorURL": words.url}


def _said(labels: Mapping[str, str]) -> dict[str, str]:
    """Without what is empty, which Alertmanager takes for absent."""
    return {name: value for name, value in labels.items() if value}


def _headers(config: Alertmanager) -> dict[str, str]:
    headers = {"User-Agent": USER_AGENT, "Content-Type": "application/json", "Accept-Encoding": "identity"}
    return headers | authorization(config)
