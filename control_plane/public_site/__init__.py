"""What the public reaches without a credential, or with the capability in the URL."""

from __future__ import annotations

from control_plane.public_site import (
    acknowledge,
    consent,
    delegation,
    llms,
    pings,
    rendering,
    telegram_hook,
    whatsapp_hook,
)
from control_plane.web.routes import Route

ROUTES: tuple[Route, ...] = (
    *pings.ROUTES,
    *llms.ROUTES,
    *rendering.ROUTES,
    *acknowledge.ROUTES,
    *consent.ROUTES,
    *delegation.ROUTES,
    *telegram_hook.ROUTES,
    *whatsapp_hook.ROUTES,
)
