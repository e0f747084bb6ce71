"""What a WhatsApp channel may be, and what a template's parameter may hold. Pure.

https://developers.facebook.com/docs/whatsapp/cloud-api/reference/messages and …/guides/send-message-templates
"""

from __future__ import annotations

import re

from control_plane.domain.channels import channel_rules

PARAMETER_LIMIT = 1024
"""Characters of a template's text parameter."""

_NUMBER = re.compile(r"\+?([1-9][0-9]{6,14})")
_ID = re.compile(r"[0-9]{5,32}")
_TEMPLATE = re.compile(r"[a-z0-9_]{1,512}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Z]{2,3})?")
_TOKEN = re.compile(r"[\x21-\x7e]{1,1024}")


def digits_of(number: str, *, field: str = "/config/to") -> str:
    """An international number as WhatsApp takes it: its digits. Raises BadRequest INVALID_CHANNEL_CONFIG."""
    found = _NUMBER.fullmatch(number)
    if found is None:
        raise channel_rules.invalid(
            "An international number is 7 to 15 digits with the country's code first, such as 4915112345678",
            field=field,
        )
    return found[1]


def check_sender(*, access_token: str, phone_number_id: str) -> None:
    """Who sends. Raises BadRequest INVALID_CHANNEL_CONFIG."""
    if not _TOKEN.fullmatch(access_token):
        raise channel_rules.invalid("An access token is printable ASCII without blanks", field="/config/access_token")
    if not _ID.fullmatch(phone_number_id):
        raise channel_rules.invalid(
            "phone_number_id is the numeric id of the sending number, not the number itself",
            field="/config/phone_number_id",
        )


def check_template(*, name: str, language: str) -> None:
    """What is sent through. Raises BadRequest INVALID_CHANNEL_CONFIG."""
    if not _TEMPLATE.fullmatch(name):
        raise channel_rules.invalid(
            "A template's name is lower-case letters, digits and _", field="/config/template_name"
        )
    if not _LANGUAGE.fullmatch(language):
        raise channel_rules.invalid(
            "language_code is the template's own, such as en or en_US, which are two", field="/config/language_code"
        )


def parameter(*texts: str, ending: str = "") -> str:
    """One line for a template: lines are joined by a dot, blanks run together, and the ending survives the cut.

    A parameter may hold no line feed, no tab and no run of more than 4 blanks (error 132018), and is not empty.
    """
    lines = (" ".join(_printable(line).split()) for text in texts for line in text.splitlines())
    line, end = " · ".join(each for each in lines if each) or "-", " ".join(_printable(ending).split())
    end = f" {end}" if end and len(end) < PARAMETER_LIMIT // 2 else ""
    room = PARAMETER_LIMIT - len(end)
    return (line if len(line) <= room else line[: room - 1].rstrip() + "…") + end


def _printable(text: str) -> str:
    whole = text.encode("utf-8", "replace").decode()
    return "".join(c if c.isprintable() or c in "\u200d\ufe0f" else " " for c in whole)
