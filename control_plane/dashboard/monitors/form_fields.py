"""What the form of a monitor asks, kind by kind: one line a field. Pure: reading and writing values is form_values.py.

Every member of the API's monitor is here; tests/integration/dashboard/test_forms_cover.py compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import get_args

from msgspec import Struct

from control_plane.dashboard.words import interval
from control_plane.domain.alerting.quiet_hours import SEVERITIES
from control_plane.domain.checks.check_rules import RULES
from shared.checks.dns import RecordType
from shared.checks.http import Method

Options = tuple[tuple[str, str], ...]


class FormField(Struct, frozen=True, kw_only=True):
    """One question. `name` is that of the page's field and its id, `pointer` the member of the API's body.

    `widget` says how it is drawn (templates/form_parts.html), read and filled in (form_values.py).
    """

    name: str
    pointer: str
    label: str
    widget: str = "text"
    hint: str = ""
    placeholder: str = ""
    options: Options = ()
    required: bool = False

    @property
    def member(self) -> tuple[str, ...]:
        return tuple(self.pointer.split("/")[1:])


class Section(Struct, frozen=True):
    """A part of the form. The first is open, the others unfold."""

    id: str
    title: str
    about: str
    fields: tuple[FormField, ...]


def _check(name: str, label: str, widget: str = "text", **more: object) -> FormField:
    pointer = f"/check/{name}"
    return FormField(name=f"check-{name.replace('_', '-')}", pointer=pointer, label=label, widget=widget, **more)  # type: ignore[arg-type]


def _own(name: str, label: str, widget: str = "text", **more: object) -> FormField:
    return FormField(name=name.replace("_", "-"), pointer=f"/{name}", label=label, widget=widget, **more)  # type: ignore[arg-type]


_TIMEOUT = _check("timeout", "Give up after", "milliseconds", hint="1 s to 60 s, and no more than the interval.")
_SLOW = _check(
    "degraded_above_ms", "Degraded when slower than", "milliseconds", placeholder="never", hint="Such as 800 ms."
)
_HOST = _check("host", "Host", required=True, placeholder="db.example.com", hint="A name or an IP address alone.")
_WARN = _check("warn_days", "Warn before the end", "whole", hint="Days. From then on it counts as degraded.")
_CRITICAL = _check("critical_days", "Down before the end", "whole", hint="Days. 0: only once it has expired.")

_SERVER_NAME = _check("server_name", "Server name", placeholder="the host", hint="What the certificate has to match.")

_MAIN: Mapping[str, tuple[FormField, ...]] = {
    "http": (_check("url", "URL", required=True, placeholder="https://example.com/health"),),
    "tcp": (_HOST, _check("port", "Port", "whole", required=True, placeholder="5432")),
    "dns": (
        _check("name", "Domain name", required=True, placeholder="example.com"),
        _check("record_type", "Record", "choice", options=tuple((each, each) for each in get_args(RecordType))),
    ),
    "ping": (_HOST,),
    "tls_cert": (_HOST, _check("port", "Port", "whole")),
    "domain_expiry": (
        _check("domain", "Domain", required=True, placeholder="example.com", hint="As it is registered, no subdomain."),
    ),
    "heartbeat": (
        _check("cron", "Schedule", placeholder="*/5 * * * *", hint="As in a crontab. Or a period, not both."),
        _check("period", "Period", "seconds", placeholder="none", hint="From one ping to the next: 5 min, 1 d."),
        _check("timezone", "Time zone of the schedule", placeholder="Europe/Berlin"),
        _check("grace", "Grace", "seconds", hint="How late a ping may be before it counts as missed."),
    ),
    "composite": (
        _check("at_least", "Up while at least so many are up", "whole", required=True),
        _check("of", "Of", "members"),
    ),
}

_REQUEST = (
    _check("method", "Method", "choice", options=tuple((each, each) for each in get_args(Method))),
    _check("headers", "Headers", "pairs", hint="Values that look like credentials are sealed and never shown again."),
    _check("body", "Body", "area"),
    _check("basic_auth", "User and password", "login"),
    _check("bearer_token", "Bearer token", "secret"),
    _check("verify_tls", "Refuse certificates that are not to be trusted", "tick"),
    _check("follow_redirects", "Follow redirects", "tick"),
    _check("max_redirects", "At most so many redirects", "whole"),
    _TIMEOUT,
)
_ANSWER = (
    _check("expected_status", "Status", "status", hint="200, 2xx, 200-299, or several: 200, 204."),
    _check("expected_body_contains", "The body contains"),
    _check("expected_body_not_contains", "The body does not contain"),
    _check("body_regex", "The body matches", hint="An RE2 expression."),
    _check("expected_json", "A JSON path equals", "json", hint="A path like $.status, and a JSON value or plain text."),
    _check("expected_headers", "Headers of the answer", "pairs"),
    _SLOW,
    _check("cert_warn_days", "Warn before the certificate ends", "whole", hint="Days. Empty: never."),
)
_DETAILS: Mapping[str, tuple[Section, ...]] = {
    "http": (
        Section("request", "The request", "Method, headers, body, credentials", _REQUEST),
        Section("answer", "What counts as up", "Status, body, headers, speed", _ANSWER),
    ),
    "tcp": (
        Section(
            "answer",
            "What counts as up",
            "What is said, what is expected, speed",
            (
                _check("send", "Send", "escaped", hint="\\r and \\n stand for the ends of lines."),
                _check("expect", "Expect"),
                _TIMEOUT,
                _SLOW,
            ),
        ),
    ),
    "dns": (
        Section(
            "answer",
            "What counts as up",
            "Expected values, resolver, speed",
            (
                _check("expected", "Expected values", "lines", hint="One a line; case does not matter."),
                _check("exact", "No other values may be among the answers", "tick"),
                _check("resolver", "Resolver", placeholder="the agent's own", hint="Such as 9.9.9.9 or 9.9.9.9:53."),
                _TIMEOUT,
                _SLOW,
            ),
        ),
    ),
    "ping": (
        Section(
            "answer",
            "What counts as up",
            "Echoes, losses, speed",
            (
                _check("count", "Echo requests", "whole"),
                _check("max_loss_pct", "Down when more are lost than", "whole", hint="Per cent."),
                _TIMEOUT,
                _SLOW,
            ),
        ),
    ),
    "tls_cert": (
        Section(
            "answer",
            "What counts as up",
            "Days of warning, server name",
            (_WARN, _CRITICAL, _SERVER_NAME, _TIMEOUT),
        ),
    ),
    "domain_expiry": (Section("answer", "What counts as up", "Days of warning", (_WARN, _CRITICAL, _TIMEOUT)),),
    "heartbeat": (
        Section(
            "answer",
            "Runs",
            "How long one may take",
            (_check("max_run_s", "A run ends within", "seconds", placeholder="before the next is due"),),
        ),
    ),
    "composite": (),
}

_REGIONS = _own("regions", "From", "regions")
_VOTES = (
    _own("region_policy", "It is down when", "policy"),
    _own("confirmations", "A region says so after", "whole", hint="Failures in a row."),
)
_BACKOFF = _own("backoff_when_down", "Check less often while it is down", "tick")
_ALERT_ON = _own(
    "alert_on",
    "Open incidents when it is",
    "choice",
    options=(("down", "down"), ("degraded", "down or degraded")),
)
_DEPENDS = _own("depends_on", "Depends on", "monitors", hint="While one of them is down, no incident opens here.")
_TOLD = (
    _own("alerts", "Channels", "alerts"),
    _own("notify_recovery", "Tell when it is up again", "tick"),
    _own("renotify_interval_secs", "Remind every", "seconds", hint="0: no reminders. Else at least 1 min."),
    _own("max_repeats", "At most so many reminders", "whole"),
    _own("escalations", "If nobody acknowledges", "steps"),
    _own("quiet_hours", "Quiet hours", "quiet", hint="What would be told then waits for their end."),
    _own("severity", "Severity", "choice", options=tuple((each, each) for each in SEVERITIES)),
    _ALERT_ON,
)
_KEPT = (
    _own("tags", "Tags", "words", hint="With commas between."),
    _own("group", "Group"),
    _own("owner", "Owner"),
    _own("notes", "Notes", "area", hint="A runbook, perhaps: shown with its incidents."),
    _own("sla", "Promised uptime", "sla", hint="Per cent of the time, over so many days."),
    _own("key", "Key", hint="What configuration files call it. Letters, digits and . _ / -"),
    _own("enabled", "Watched", "tick", hint="Off: paused."),
)

KINDS: Mapping[str, tuple[str, str]] = {
    "http": ("HTTP", "A website or an API answers as it should"),
    "tcp": ("TCP port", "A server accepts connections"),
    "dns": ("DNS", "A name resolves to what you expect"),
    "ping": ("Ping", "A host answers echo requests"),
    "tls_cert": ("Certificate", "A TLS certificate is trusted and not about to end"),
    "domain_expiry": ("Domain", "A registration is paid for"),
    "heartbeat": ("Heartbeat", "A scheduled job pings us when it went well"),
    "composite": ("Composite", "Enough of several monitors are up"),
}
"""Title and purpose of each kind."""


def sections(kind: str) -> tuple[Section, ...]:
    """The parts of the form of this kind: the first is what most people need."""
    has_regions = not RULES[kind].regionless
    usual = interval(RULES[kind].default_interval_s)
    every = _own(
        "interval", "Check every", "seconds", placeholder=usual, hint=f"Empty: {usual}, or as often as the plan allows."
    )
    name = _own("name", "Name", required=True, placeholder="What people call it")
    first = (*_MAIN[kind], name, *((every, _REGIONS) if has_regions else ()))
    votes = (*(_VOTES if has_regions else ()), *((_BACKOFF,) if has_regions else ()), _DEPENDS)
    return (
        Section("what", "What to watch", "", first),
        *_DETAILS[kind],
        Section(
            "votes", "When it counts", "Votes, confirmations, dependencies" if has_regions else "Dependencies", votes
        ),
        Section("told", "Who is told", "Channels, reminders, escalation, quiet hours", _TOLD),
        Section("kept", "Labels and notes", "Tags, group, owner, promise, key", _KEPT),
    )


def fields(kind: str) -> Sequence[FormField]:
    """All fields of this kind, in the order of the page."""
    return [each for section in sections(kind) for each in section.fields]


def field_at(kind: str, pointer: str) -> FormField | None:
    """The field beside which a refusal of this member belongs: the one it lies in; the first one for a whole check."""
    within = [each for each in fields(kind) if f"{pointer}/".startswith(f"{each.pointer}/")]
    if within:
        return max(within, key=lambda each: len(each.pointer))
    return _MAIN[kind][0] if pointer.startswith("/check") else None
