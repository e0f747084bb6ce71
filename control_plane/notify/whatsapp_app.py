"""WhatsApp through the installation's own number, to people who linked theirs with a code (whatsapp_cloud.py)."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from control_plane.domain.channels import whatsapp_rules
from control_plane.notify.tools import Tools
from control_plane.notify.transport import Configuration, Message, Parts, Sent, Transport
from control_plane.notify.whatsapp_cloud import HOST, Sender, send_template
from control_plane.settings import Settings


class WhatsappApp(Configuration, frozen=True, tag="whatsapp_app", kw_only=True):
    """`phone`: the digits that WhatsApp says a code came from. `profile_name` is what they call themselves."""

    phone: str
    profile_name: str = ""


class WhatsappAppTransport(Transport[WhatsappApp]):
    """Sends through the operator's number."""

    configuration: ClassVar[type[WhatsappApp]] = WhatsappApp
    digests: ClassVar[bool] = True
    managed: ClassVar[bool] = True

    def __init__(self, tools: Tools) -> None:
        self._http = tools.http
        set_by_operator = tools.settings.whatsapp
        self._sender = Sender(
            access_token=set_by_operator.access_token,
            phone_number_id=set_by_operator.phone_number_id,
            template_name=set_by_operator.template_name,
            language=set_by_operator.language,
        )

    @staticmethod
    def is_set_up(settings: Settings) -> bool:
        """Whether the operator has a number; the settings are all there or none is."""
        return bool(settings.whatsapp.access_token)

    def prepared(self, config: WhatsappApp, *, entropy: bytes) -> WhatsappApp:  # noqa: ARG002  # no secret of ours
        """A number as digits. Raises BadRequest."""
        return msgspec.structs.replace(config, phone=whatsapp_rules.digits_of(config.phone, field="/config/phone"))

    def parts(self, config: WhatsappApp) -> Parts:
        """Nothing of it is secret: the token is the operator's, and in the settings."""
        return Parts(shown=msgspec.to_builtins(config), secrets={}, host=HOST)

    async def send(self, config: WhatsappApp, message: Message) -> Sent:
        """One message. Raises TransportError."""
        return await send_template(self._http, self._sender, to=config.phone, message=message)
