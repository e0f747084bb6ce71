"""What a channel of kind email may be: one lowercase address. Pure."""

from __future__ import annotations

from control_plane.domain.channels import channel_rules
from control_plane.domain.tenants.people import read_email
from control_plane.errors import BadRequest

FIELD = "/config/to"

SUBJECT_LIMIT = 200
"""Characters; mail programs show far fewer."""

_JOINER = "\u200d"


def read_recipient(text: str) -> str:
    """The address as it is stored and compared: its domain as A-labels (RFC 5890).

    Raises BadRequest INVALID_CHANNEL_CONFIG for anything but one address in lower case. Nothing is folded silently:
    before the @, upper and lower case may be two mailboxes (RFC 5321 section 2.4), and we could not tell.
    """
    try:
        address = read_email(text, field=FIELD)
    except BadRequest:
        raise channel_rules.invalid("to is one e-mail address such as oncall@example.com", field=FIELD) from None
    if text != text.strip() or text != text.lower():
        raise channel_rules.invalid(f"to is one address in lower case: {address}", field=FIELD)
    return address


def needs_utf8(address: str) -> bool:
    """Whether the part before the @ can only be written with SMTPUTF8 (RFC 6531)."""
    return not address.isascii()


_ISOLATES = dict.fromkeys(range(0x2066, 0x206A))
"""Around a name they stand without spaces of their own (Unicode UAX #9), so they go without leaving any."""


def subject_of(title: str) -> str:
    """One line without control characters, nor those that turn or set off the direction of writing."""
    plain = title.translate(_ISOLATES)
    line = " ".join("".join(each if _shows(each) else " " for each in plain).split())
    return line if len(line) <= SUBJECT_LIMIT else line[: SUBJECT_LIMIT - 1] + "…"


def _shows(character: str) -> bool:
    return character.isprintable() or character == _JOINER
