"""What a handler is given and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from aiohttp import web

from control_plane.errors import BadRequest
from control_plane.sealing import Sealer
from control_plane.services.alerting.register_telegram_webhook import TelegramWebhook
from control_plane.services.fleet.hand_out_assignments import RegionDigests
from control_plane.services.heartbeats.keep_ping_door import PingDoorKeeper
from control_plane.services.heartbeats.take_pings import PingCollector
from control_plane.services.installation.count_processes import Processes
from control_plane.services.pages.keep_public_pages import PublicPages
from control_plane.services.pages.last_known import LastKnown
from control_plane.services.pages.recently import Recently
from control_plane.services.people.providers import Providers
from control_plane.services.uptime.rollup_progress import RollupProgress
from control_plane.settings import Settings
from control_plane.store.pool import Database
from control_plane.web.attempts import FailureLimit
from control_plane.web.authentication import Authenticator
from control_plane.web.caller import AgentCaller, Caller, OperatorCaller, TenantCaller
from control_plane.web.hub import Hub
from control_plane.web.page_preview import DrawPage, draws_nothing
from control_plane.web.page_streams import PageStreams
from control_plane.web.rate_limits import RateLimits
from control_plane.web.streams import EventStreams

CHAT_ATTEMPTS_PER_MINUTE = 10
"""What one chat may say to a bot of ours to no effect before it is not listened to for a while."""

PAGE_PASSWORDS_PER_MINUTE = 10
"""Wrong passwords of one status page from one address."""

SUBSCRIPTIONS_PER_MINUTE = 10
"""Requests to be told of what pages say, from one address."""


@dataclass(frozen=True, slots=True)
class Deps:
    """Everything with a lifetime, built once by app.py."""

    database: Database
    settings: Settings
    sealer: Sealer
    hub: Hub
    authenticator: Authenticator
    new_id: Callable[[], UUID]
    now: Callable[[], datetime]
    digests: RegionDigests = field(default_factory=RegionDigests)
    limits: RateLimits = field(default_factory=RateLimits)
    rollups: RollupProgress = field(default_factory=RollupProgress)
    processes: Processes = field(default_factory=Processes)
    streams: EventStreams = field(default_factory=EventStreams)
    pings: PingCollector = field(default_factory=PingCollector)
    ping_door: PingDoorKeeper = field(default_factory=PingDoorKeeper)
    providers: Providers = field(default_factory=Providers)
    recently: Recently = field(default_factory=Recently)
    last_known: LastKnown = field(default_factory=LastKnown)
    telegram_webhook: TelegramWebhook = field(default_factory=TelegramWebhook)
    chat_attempts: FailureLimit = field(default_factory=partial(FailureLimit, CHAT_ATTEMPTS_PER_MINUTE))
    pages: PublicPages = field(default_factory=PublicPages)
    page_streams: PageStreams = field(default_factory=PageStreams)
    page_attempts: FailureLimit = field(default_factory=partial(FailureLimit, PAGE_PASSWORDS_PER_MINUTE))
    subscribing: FailureLimit = field(default_factory=partial(FailureLimit, SUBSCRIPTIONS_PER_MINUTE))
    draw_page: DrawPage = draws_nothing

    @property
    def mailer(self) -> Sealer | None:
        """Seals links that are mailed; None: this installation sends no e-mail."""
        sends = self.settings.email.host and self.settings.server.public_url
        return self.sealer if sends else None


@dataclass(frozen=True, slots=True)
class Reply:
    """A handler's answer: `value` becomes JSON, `etag` is the object's revision, `status` None the route's own."""

    value: Any = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    etag: int | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated, decoded request."""

    request: web.Request
    deps: Deps
    caller: Caller | None
    body: Any
    query: Any
    path: Mapping[str, str]

    def tenant(self) -> TenantCaller:
        """The caller of a tenant route."""
        assert isinstance(self.caller, TenantCaller), "only routes of the tenant door have a tenant"
        return self.caller

    def agent(self) -> AgentCaller:
        """The caller of an agent route."""
        assert isinstance(self.caller, AgentCaller), "only routes of the agent door have an agent"
        return self.caller

    def operator(self) -> OperatorCaller:
        """The caller of an operator route."""
        assert isinstance(self.caller, OperatorCaller), "only routes of the operator door have an operator"
        return self.caller

    def uuid(self, name: str) -> UUID:
        """The path parameter as a UUID in its canonical form. Raises BadRequest INVALID_ID otherwise."""
        text = self.path[name]
        try:
            value = UUID(text)
        except ValueError:
            value = None
        if value is None or str(value) != text.lower():
            message = f"{name} must be a UUID such as 0197a2f0-0000-7000-8000-000000000000"
            raise BadRequest(message, code="INVALID_ID", field=f"/{name}")
        return value

    def integer(self, name: str) -> int:
        """The path parameter as a positive 32-bit integer. Raises BadRequest INVALID_ID otherwise."""
        text = self.path[name]
        if not (text.isascii() and text.isdigit() and len(text) <= 10 and 0 < int(text) < 2**31):
            raise BadRequest(f"{name} must be a positive integer", code="INVALID_ID", field=f"/{name}")
        return int(text)
