"""WhatsApp through an account of the tenant's own: a template with one parameter (whatsapp_cloud.py)."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from control_plane.domain.channels import channel_rules, whatsapp_rules
from control_plane.notify.tools import Tools
from control_plane.notify.transport import Configuration, Message, Parts, Sent, Transport
from control_plane.notify.whatsapp_cloud import HOST, Sender, send_template


class Whatsapp(Configuration, frozen=True, tag="whatsapp", kw_only=True):
    """`language_code` is the exact code of the template: en and en_US are two."""

    access_token: str
    phone_number_id: str
    to: str
    template_name: str
    language_code: str = "en"


class WhatsappTransport(Transport[Whatsapp]):
    """Sends through the channel's own number."""

    configuration: ClassVar[type[Whatsapp]] = Whatsapp
    digests: ClassVar[bool] = True

    def __init__(self, tools: Tools) -> None:
        self._http = tools.http

    def prepared(self, config: Whatsapp, *, entropy: bytes) -> Whatsapp:  # noqa: ARG002  # no secret of ours
        """Checked, with the recipient as digits. Raises BadRequest."""
        whatsapp_rules.check_sender(access_token=config.access_token, phone_number_id=config.phone_number_id)
        whatsapp_rules.check_template(name=config.template_name, language=config.language_code)
        return msgspec.structs.replace(config, to=whatsapp_rules.digits_of(config.to))

    def parts(self, config: Whatsapp) -> Parts:
        """The token is sealed."""
        shown = msgspec.to_builtins(config) | {"access_token": channel_rules.MASK}
        return Parts(shown=shown, secrets={"access_token": config.access_token}, host=HOST)

    async def send(self, config: Whatsapp, message: Message) -> Sent:
        """One message. Raises TransportError."""
        sender = Sender(
            access_token=config.access_token,
            phone_number_id=config.phone_number_id,
            template_name=config.template_name,
            language=config.language_code,
        )
        return await send_template(self._http, sender, to=config.to, message=message)
