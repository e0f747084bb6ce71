"""/hooks/whatsapp: where Meta verifies the subscription, and tells what happens at the installation's number.

What is posted counts only with a signature over its exact bytes by the app's secret. A tenant is known from a code and
from nothing else. Everything understood is answered 200 after its commit; Meta repeats what is not.
"""

from __future__ import annotations

import hmac

from aiohttp import web

from control_plane.domain.channels import whatsapp_hook
from control_plane.errors import NotFound, Unauthenticated
from control_plane.notify import transports
from control_plane.services.alerting.create_linked_channel import Passage
from control_plane.services.alerting.take_whatsapp_event import Means, take_whatsapp_event
from control_plane.settings import WhatsappSettings
from control_plane.web.call import Call
from control_plane.web.routes import Door, Route

BODY_LIMIT = 3 * 1024 * 1024
"""Bytes; Meta sends up to 3 MB (…/whatsapp/cloud-api/guides/set-up-webhooks)."""

CHALLENGE_LIMIT = 200


async def verify(call: Call) -> web.Response:
    """Meta asks once, when the webhook is set up: whoever knows the token gets the challenge back."""
    asked, settings = call.request.query, _settings(call)
    given = asked.get("hub.verify_token", "").encode("utf-8", "replace")
    known = hmac.compare_digest(given, settings.verify_token.encode())
    if not known or asked.get("hub.mode") != "subscribe":
        raise _refused("The verify token is another one")
    challenge = asked.get("hub.challenge", "")[:CHALLENGE_LIMIT]
    return web.Response(text=challenge if challenge.isalnum() else "")


async def take(call: Call) -> web.Response:
    settings, request = _settings(call), call.request
    if not whatsapp_hook.is_signed(
        call.body, request.headers.get("X-Hub-Signature-256"), app_secret=settings.app_secret
    ):
        raise _refused("The signature is not that of these bytes")
    means = Means(
        sealer=call.deps.sealer,
        transports=transports(call.deps.settings),
        pepper=call.deps.settings.security.pepper.encode(),
        passage=Passage(
            source="api", operation="take_whatsapp_hook", address=call.deps.authenticator.address_of(request)
        ),
    )
    for event in whatsapp_hook.events(call.body, phone_number_id=settings.phone_number_id):
        await take_whatsapp_event(call.deps.database, event, channel_id=call.deps.new_id(), means=means)
    return web.Response(text="OK")


def _settings(call: Call) -> WhatsappSettings:
    settings = call.deps.settings.whatsapp
    if not settings.app_secret:
        raise NotFound("This installation has no number on WhatsApp")
    return settings


def _refused(message: str) -> Unauthenticated:
    return Unauthenticated(message, code="WHATSAPP_SIGNATURE_INVALID")


_ERRORS = ("WHATSAPP_SIGNATURE_INVALID",)

ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/hooks/whatsapp",
        handler=verify,
        operation="verify_whatsapp_hook",
        summary="Prove to Meta that this is its webhook",
        tag="Public",
        door=Door.PUBLIC,
        cache="no-store",
        errors=_ERRORS,
        in_openapi=False,
    ),
    Route(
        method="POST",
        path="/hooks/whatsapp",
        handler=take,
        operation="take_whatsapp_hook",
        summary="Take what Meta tells of the installation's number",
        tag="Public",
        door=Door.PUBLIC,
        body=bytes,
        max_body=BODY_LIMIT,
        errors=_ERRORS,
        in_openapi=False,
    ),
)
