"""One check by hand: `farwatch-agent check SPEC`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from agent.checks import CHECKS
from agent.checks.check import CheckOutcome
from agent.link.server_clock import ServerClock
from agent.region import context_for
from agent.settings import AgentSettings
from agent.tls.contexts import TlsContexts
from shared.checks import Check, expand, kind_of
from shared.protocol import RegionGrant
from shared.results import CertificateFacts, Detail, DomainFacts, PingFacts

_PHASES = ("dns", "connect", "tls", "ttfb", "download", "total")
_NAMES = 10
"""Names of a certificate that are spelt out."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Line = tuple[str, object]


def parse_spec(text: str) -> Check:
    """A URL, or the JSON of a check; without `type` but with `url` it is an http check, as everywhere.

    Raises ValueError with what is wrong.
    """
    if not text.lstrip().startswith("{"):
        return expand(text.strip())
    try:
        members = msgspec.json.decode(text, type=dict[str, object])
        named = members if "type" in members or "url" not in members else {"type": "http", **members}
        check: Check = msgspec.convert(named, type=Check)
    except msgspec.MsgspecError as error:
        raise ValueError(f"This is not a check: {error}") from None
    return check


async def run_once(check: Check, *, allow_cidrs: Sequence[str], settings: AgentSettings) -> CheckOutcome:
    """Under the guard of a shared region, or of a private one with `allow_cidrs`. Raises ValueError on a bad range."""
    region = RegionGrant(id="local", name="here", allow_cidrs=tuple(allow_cidrs))
    context = context_for(region, settings, tls=TlsContexts(ca_file=settings.ca_file), clock=ServerClock())
    return await CHECKS[kind_of(check)].run(check, context)


def render(outcome: CheckOutcome, *, as_json: bool) -> str:
    """Every field of it as JSON; or, for people, what there is to say: a line each, the phases last."""
    if as_json:
        fields = msgspec.structs.asdict(outcome)
        del fields["if_resolver_works"]  # there is no self-test here that could tell
        return msgspec.json.encode(fields).decode()
    told = [(name, value) for name, value in _told(outcome) if value not in (None, "")]
    width = max(len(name) for name, _ in told)
    return "\n".join(f"{name:{width}}  {_printable(value)}" for name, value in told)


def _printable(value: object) -> str:
    """Much of it comes from the target: no control character of that reaches the terminal."""
    return "".join(c if c.isprintable() else " " for c in str(value))


def _told(outcome: CheckOutcome) -> Iterator[Line]:
    detail = outcome.detail
    reason = f" ({outcome.reason.value})" if outcome.reason.value != "none" else ""
    yield "outcome", f"{outcome.outcome.value}{reason}"
    yield "message", detail.message
    yield "status", outcome.http_status
    yield "address", detail.address
    yield "session", " ".join(filter(None, (detail.tls_version, detail.cipher)))
    yield from _facts(detail)
    for name in _PHASES:
        value = getattr(outcome, name)
        yield name, None if value is None else f"{value:.3f} ms"


def _facts(detail: Detail) -> Iterator[Line]:
    """What the kind of check has read, beyond what all kinds do."""
    for answer in detail.answers:
        yield "answer", answer
    if detail.ping is not None:
        yield from _ping(detail.ping)
    if detail.certificate is not None:
        yield from _certificate(detail.certificate)
    elif detail.cert_expires_at is not None:
        yield "expires", _day(detail.cert_expires_at)
    if detail.domain is not None:
        yield from _domain(detail.domain)


def _ping(facts: PingFacts) -> Iterator[Line]:
    yield "answered", f"{facts.received} of {facts.sent}"
    trips = (("min", facts.min), ("avg", facts.avg), ("max", facts.max), ("stddev", facts.stddev))
    yield "round trips", ", ".join(f"{name} {value:.3f} ms" for name, value in trips if value is not None)


def _certificate(facts: CertificateFacts) -> Iterator[Line]:
    more = facts.names_total - _NAMES
    yield "expires", _day(facts.not_after)
    yield "trusted", "yes" if facts.is_trusted else f"no: {facts.trust_problem or 'its chain leads to no authority'}"
    yield "for host", "yes" if facts.host_matches else "no: none of its names is that of the host"
    yield "subject", facts.subject
    yield "issuer", facts.issuer
    yield "names", ", ".join(facts.names[:_NAMES]) + (f" and {more} more" if more > 0 else "")
    yield "serial", facts.serial
    yield "SHA-256", facts.fingerprint


def _domain(facts: DomainFacts) -> Iterator[Line]:
    yield "expires", _day(facts.expires_at)
    yield "registrar", facts.registrar
    yield "states", ", ".join(facts.status)
    yield "server", facts.server


def _day(unix_s: int) -> str:
    """An instant of somebody else's, who may mean any year."""
    try:
        return f"{_EPOCH + timedelta(seconds=unix_s):%Y-%m-%d %H:%M:%S} UTC"
    except OverflowError:
        return "beyond all calendars"
