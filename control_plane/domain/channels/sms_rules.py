"""What an SMS channel may be: numbers, and the credentials that each gateway gives out. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

from control_plane.domain.channels import channel_rules

REGIONS = ("us", "eu", "au", "br", "ca")
"""Of Sinch, each a host of its own."""

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_SENDER = re.compile(r"[A-Za-z0-9]{1,11}")
_ALPHANUMERIC = r"[A-Za-z0-9]{1,64}"
_TOKEN = r"[\x21-\x7e]{1,256}"  # noqa: S105  # a pattern


class Credential(Struct, frozen=True, kw_only=True):
    """A field of a gateway: what it looks like, and whether it is sealed."""

    pattern: str
    looks: str
    secret: bool = False
    needed: bool = True


_PRINTABLE = "1 to 256 printable ASCII characters without blanks"
_LETTERS = "1 to 64 letters and digits"

CREDENTIALS: Mapping[str, Mapping[str, Credential]] = {
    "plivo": {
        "auth_id": Credential(pattern=_ALPHANUMERIC, looks=_LETTERS),
        "auth_token": Credential(pattern=_TOKEN, looks=_PRINTABLE, secret=True),
    },
    "sinch": {
        "service_plan_id": Credential(pattern=_ALPHANUMERIC, looks=_LETTERS),
        "api_token": Credential(pattern=_TOKEN, looks=_PRINTABLE, secret=True),
        "region": Credential(pattern="|".join(REGIONS), looks="one of " + ", ".join(REGIONS), needed=False),
    },
    "telnyx": {
        "api_key": Credential(pattern=_TOKEN, looks=_PRINTABLE, secret=True),
        "messaging_profile_id": Credential(pattern=r"[A-Za-z0-9-]{1,64}", looks="the profile's id", needed=False),
    },
    "twilio": {
        "account_sid": Credential(pattern=r"AC[0-9a-fA-F]{32}", looks="AC and 32 hexadecimal digits"),
        "auth_token": Credential(pattern=_TOKEN, looks=_PRINTABLE, secret=True),
    },
    "vonage": {
        "api_key": Credential(pattern=_ALPHANUMERIC, looks=_LETTERS),
        "api_secret": Credential(pattern=_TOKEN, looks=_PRINTABLE, secret=True),
    },
}
"""By gateway and field."""


def check_numbers(*, to: str, sender: str) -> None:
    """To whom, and from what. Raises BadRequest INVALID_CHANNEL_CONFIG."""
    if not _E164.fullmatch(to):
        raise channel_rules.invalid("to is a number in E.164 form, such as +15551234567", field="/config/to")
    if not (_E164.fullmatch(sender) or _SENDER.fullmatch(sender)):
        raise channel_rules.invalid(
            "from is a number in E.164 form, or a sender id of 1 to 11 letters and digits", field="/config/from"
        )


def check_credentials(provider: str, given: Mapping[str, str | None], *, sender: str) -> None:
    """What the gateway needs, in the form that it gives it out in, and nothing of another's. Raises BadRequest."""
    known = CREDENTIALS.get(provider)
    if known is None:
        raise channel_rules.invalid(f"provider is one of {', '.join(CREDENTIALS)}", field="/config/provider")
    for name, value in given.items():
        if value is not None and name not in known:
            raise channel_rules.invalid(f"{provider} has no {name}: leave it out", field=f"/config/{name}")
    for name, credential in known.items():
        _check(provider, name, given.get(name), credential=credential)
    if provider == "telnyx" and not sender.lstrip("+").isdigit() and given.get("messaging_profile_id") is None:
        raise channel_rules.invalid(
            "Telnyx sends from an alphanumeric sender id through a messaging profile only: give its id",
            field="/config/messaging_profile_id",
        )


def _check(provider: str, name: str, value: str | None, *, credential: Credential) -> None:
    if value is None and not credential.needed:
        return
    if value is None:
        raise channel_rules.invalid(f"{provider} needs {name}", field=f"/config/{name}")
    if not re.fullmatch(credential.pattern, value):
        raise channel_rules.invalid(f"{name} is {credential.looks}", field=f"/config/{name}")
