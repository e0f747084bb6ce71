"""What the installation's own mails say. Pure.

Some go to people who have asked for nothing, with names in them that others have chosen; so a name that could pass for
an address, which mail programs would turn into a link, is left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from control_plane.domain.alerting.message_words import Fact
from control_plane.notify.mail import Button, MailPage

Kind = Literal["channel_verification", "invitation", "channel_unwell"]

LINK_PATHS: Mapping[str, str] = {"channel_verification": "/verify/", "invitation": "/invite/"}
"""Where the links of these lead: what follows is the secret part."""

NAME_LIMIT = 60
_LIKE_A_LINK = re.compile(r"://|@|\w\.\w|www", re.IGNORECASE)


def system_page(kind: str, data: Mapping[str, Any], *, tenant: str, home: str, link: str | None) -> MailPage:
    """The mail of this kind. `home`: where people reach the installation; `link`: what the mail brings.

    Raises KeyError for data that another release has written in another form.
    """
    match kind:
        case "channel_verification":
            return _verification(data, tenant=tenant, link=link or home)
        case "invitation":
            return _invitation(data, tenant=tenant, link=link or home)
        case _:
            return _unwell(data, home=home)


def _verification(data: Mapping[str, Any], *, tenant: str, link: str) -> MailPage:
    who, through = _named(tenant, "Somebody"), _named(data["channel"], "")
    channel = f", as the channel {through}" if through else ""
    return MailPage(
        title="May Farwatch send alerts to this address?",
        label="Please confirm",
        lines=(
            f"{who} monitors services with Farwatch and wants their alerts to arrive here{channel}.",
            "If you expect that, confirm it. If not, do nothing: nothing else will be sent.",
        ),
        buttons=(Button("Confirm this address", link),),
        footer=("The link counts once, for 24 hours. It opens a page that asks again.",),
    )


def _invitation(data: Mapping[str, Any], *, tenant: str, link: str) -> MailPage:
    by, where = _named(data["by"], "Somebody"), _named(tenant, "their tenant")
    return MailPage(
        title="You are invited to Farwatch",
        label="Invitation",
        lines=(f"{by} invites you to {where}, as {data['role']}.", "If you do not know them, do nothing."),
        buttons=(Button("See the invitation", link),),
        footer=("The link counts once, for 7 days. Whoever has it may use it: do not pass it on.",),
    )


def _unwell(data: Mapping[str, Any], *, home: str) -> MailPage:
    well = data["well"]
    facts = [Fact("Channel", data["channel"]), Fact("Kind", data["kind"])]
    if not well and data.get("error"):
        facts.append(Fact("Last error", data["error"]))
    told = "delivers again" if well else "stopped delivering"
    line = (
        "A message arrived through it."
        if well
        else "What it is owed is tried again for about nine hours. Until it is mended, alerts do not arrive through it."
    )
    return MailPage(
        title=f"The channel {data['channel']} {told}",
        label="Working again" if well else "Not delivering",
        mood="relief" if well else "alarm",
        lines=(data["reason"] if data.get("reason") else line,),
        facts=facts,
        buttons=(Button("Open Farwatch", f"{home}/app"),) if home else (),
        footer=("Farwatch sends this to the owners of a tenant, once for each time a channel fails.",),
    )


def _named(text: str, otherwise: str) -> str:
    """A name that somebody chose, in quotes; what stands for it where it could pass for an address."""
    line = unlinked(text)
    return f"“{line}”" if line else otherwise


def unlinked(text: str) -> str:
    """A name that somebody chose, on one line and cut; empty where it could pass for an address."""
    line = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    return "" if _LIKE_A_LINK.search(line) else line[:NAME_LIMIT]
