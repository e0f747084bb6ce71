"""One check by hand: `farwatch-agent check SPEC`."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from agent.checks import CHECKS
from agent.checks.check import CheckOutcome
from agent.region import context_for
from agent.server_clock import ServerClock
from agent.settings import AgentSettings
from agent.tls import TlsContexts
from shared.checks import Check, expand, kind_of
from shared.protocol import RegionGrant

_PHASES = ("dns", "connect", "tls", "ttfb", "download", "total")


def parse_spec(text: str) -> Check:
    """A URL, or the JSON of a check. Raises ValueError with what is wrong."""
    if not text.lstrip().startswith("{"):
        return expand(text.strip())
    try:
        check: Check = msgspec.json.decode(text, type=Check)
    except msgspec.MsgspecError as error:
        raise ValueError(f"This is not a check: {error}") from None
    return check


async def run_once(check: Check, *, allow_cidrs: Sequence[str], settings: AgentSettings) -> CheckOutcome:
    """Under the guard of a shared region, or of a private one with `allow_cidrs`. Raises ValueError on a bad range."""
    region = RegionGrant(id="local", name="here", allow_cidrs=tuple(allow_cidrs))
    context = context_for(region, settings, tls=TlsContexts(ca_file=settings.ca_file), clock=ServerClock())
    return await CHECKS[kind_of(check)].run(check, context)


def render(outcome: CheckOutcome, *, as_json: bool) -> str:
    if as_json:
        fields = msgspec.structs.asdict(outcome)
        del fields["if_resolver_works"]  # there is no self-test here that could tell
        return msgspec.json.encode(fields).decode()
    detail = outcome.detail
    reason = f" ({outcome.reason.value})" if outcome.reason.value != "none" else ""
    lines = [f"outcome    {outcome.outcome.value}{reason}"]
    facts = (
        ("message", detail.message),
        ("status", outcome.http_status),
        ("address", detail.address),
        ("tls", " ".join(filter(None, (detail.tls_version, detail.cipher))) or None),
    )
    lines += [f"{name:10} {value}" for name, value in facts if value is not None]
    for name in _PHASES:
        value = getattr(outcome, name)
        lines.append(f"{name:10} {'-' if value is None else f'{value:.3f} ms'}")
    return "\n".join(lines)
