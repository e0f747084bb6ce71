"""Tell Telegram where the installation's bot listens (https://core.telegram.org/bots/api#setwebhook).

Every process does it, at its start and now and then: it is the same call each time, and what somebody else has set
meanwhile, or lost, is set right again. A failure is tried again later and stops nothing: sending needs no webhook.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

import structlog

from control_plane.domain.channels.telegram_rules import webhook_secret
from control_plane.domain.channels.telegram_update import ALLOWED_UPDATES
from control_plane.notify.telegram_bot import TelegramBot
from control_plane.notify.transport_error import TransportError
from control_plane.settings import Settings

PATH = "/hooks/telegram"
AGAIN_S = 6 * 3600.0
FIRST_WAIT_S, LONGEST_WAIT_S = 30.0, 3600.0
MAX_CONNECTIONS = 10
"""Requests that Telegram has under way to us; updates are few."""

_NO_HOME = "server.public_url is no https address, so no chat can be linked"

_log = structlog.get_logger(__name__)


@dataclass
class TelegramWebhook:
    """When this process has to see to it again. Times are of a monotonic clock, in seconds."""

    due_at: float = 0.0
    failures: int = 0

    async def register(self, bot: TelegramBot | None, settings: Settings, *, now: float) -> bool:
        """Register if it is due; whether it was done now."""
        if bot is None or now < self.due_at:
            return False
        home = settings.server.public_url.rstrip("/")
        if urlsplit(home).scheme != "https":
            _log.warning("telegram_webhook_not_set", error=_NO_HOME)
            self.due_at = now + AGAIN_S
            return False
        try:
            await bot.call("setWebhook", _parameters(home, settings))
        except TransportError as error:
            self.due_at = now + min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0**self.failures)
            self.failures = min(self.failures + 1, 20)
            _log.warning("telegram_webhook_not_set", error=error.message)
            return False
        self.due_at, self.failures = now + AGAIN_S, 0
        return True


def _parameters(home: str, settings: Settings) -> dict[str, object]:
    pepper = settings.security.pepper.encode()
    return {
        "url": home + PATH,
        "secret_token": webhook_secret(pepper=pepper, bot_token=settings.telegram.bot_token),
        "allowed_updates": list(ALLOWED_UPDATES),
        "max_connections": MAX_CONNECTIONS,
    }
