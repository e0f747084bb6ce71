"""The whole control plane on a free port of the loopback, without its jobs, for tests of what callers see."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec
from aiohttp import web

from control_plane.app import DEPS, build_app
from control_plane.services.tenants.first_run import FirstRun, RegionDefinition, ensure_first_tenant
from control_plane.settings import (
    OperatorSettings,
    SecuritySettings,
    ServerSettings,
    Settings,
    TelegramSettings,
    WhatsappSettings,
)
from control_plane.store.pool import Database
from control_plane.web.call import Deps
from control_plane.web.server import EnvelopeRunner
from tests.support import seed
from tests.support.plain_http import NO_TLS

OPERATOR_SECRET = "an operator's secret for tests"
SEALING_KEYS = "k1:a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="

BOT_TOKEN = "123456789:AAE-test_token_of_a_bot_0123456789abc"

SETTINGS = Settings(
    server=ServerSettings(read_timeout_s=5),
    operator=OperatorSettings(secret=OPERATOR_SECRET),
    security=SecuritySettings(pepper=seed.PEPPER.decode(), sealing_keys=SEALING_KEYS, failed_auth_per_minute=1000),
    telegram=TelegramSettings(bot_token=BOT_TOKEN, bot_name="farwatch_bot"),
    whatsapp=WhatsappSettings(
        access_token="EAAG-access-token-of-whatsapp",
        app_secret="the secret of the app at Meta",
        verify_token="what Meta repeats when it verifies",
        phone_number_id="106540352242922",
        number="+15550783881",
        template_name="farwatch_alert",
        language="en_US",
    ),
)


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """Where it listens, and its first tenant."""

    host: str
    port: int
    deps: Deps
    home: FirstRun

    def client(self, credential: str | None = None, **headers: str) -> httpx.AsyncClient:
        """A client with this bearer credential, or none."""
        if credential is not None:
            headers["Authorization"] = f"Bearer {credential}"
        return httpx.AsyncClient(base_url=f"http://{self.host}:{self.port}", headers=headers, timeout=20, verify=NO_TLS)

    def tenant(self) -> httpx.AsyncClient:
        """The first tenant's client, with every scope."""
        return self.client(self.home.api_key)

    def operator(self) -> httpx.AsyncClient:
        return self.client(OPERATOR_SECRET)


def settings_with(**sections: Any) -> Settings:
    """The test settings with some keys changed: settings_with(server={"read_timeout_s": 0.2})."""
    changed = {name: msgspec.structs.replace(getattr(SETTINGS, name), **keys) for name, keys in sections.items()}
    return msgspec.structs.replace(SETTINGS, **changed)


@asynccontextmanager
async def control_plane(
    database: Database, settings: Settings = SETTINGS, *, regions: tuple[RegionDefinition, ...] = ()
) -> AsyncIterator[ControlPlane]:
    """Serve until the block ends."""
    home = await ensure_first_tenant(database, pepper=settings.security.pepper.encode(), regions=regions)
    assert home is not None, "the database of a test is fresh"
    app = await build_app(settings, database=database, with_jobs=False)
    runner = EnvelopeRunner(app, shutdown_timeout_s=5)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield ControlPlane(host, port, app[DEPS], home)
    finally:
        await runner.cleanup()
