"""What the public reaches without a credential, or with the capability in the URL."""

from __future__ import annotations

from control_plane.public_site import (
    acknowledge,
    badges,
    consent,
    delegation,
    everybody,
    feeds,
    llms,
    pings,
    rendering,
    shares,
    status_page,
    status_page_colours,
    status_page_feeds,
    status_page_json,
    status_page_root,
    status_page_subscribe,
    status_page_subscription,
    status_page_unlock,
    status_page_v2,
    subscriptions_json,
    telegram_hook,
    whatsapp_hook,
)
from control_plane.public_site.error_page import error_page
from control_plane.public_site.status_page_preview import draw_page
from control_plane.public_site.status_page_root import at_root
from control_plane.web.routes import Route

__all__ = ["ROUTES", "at_root", "draw_page", "error_page"]

ROUTES: tuple[Route, ...] = (
    *pings.ROUTES,
    *llms.ROUTES,
    *rendering.ROUTES,
    *status_page.ROUTES,
    *everybody.ROUTES,
    *status_page_colours.ROUTES,
    *status_page_feeds.ROUTES,
    *status_page_json.ROUTES,
    *status_page_v2.ROUTES,
    *status_page_root.ROUTES,
    *status_page_unlock.ROUTES,
    *status_page_subscribe.ROUTES,
    *status_page_subscription.ROUTES,
    *subscriptions_json.ROUTES,
    *acknowledge.ROUTES,
    *consent.ROUTES,
    *delegation.ROUTES,
    *telegram_hook.ROUTES,
    *whatsapp_hook.ROUTES,
    *badges.ROUTES,
    *shares.ROUTES,
    *feeds.ROUTES,
)
