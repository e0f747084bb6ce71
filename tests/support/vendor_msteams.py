"""Teams' workflows as they are documented: one Adaptive Card in a message of at most 28 kB, 202, errors of Logic Apps.

https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using,
https://learn.microsoft.com/en-us/microsoftteams/platform/task-modules-and-cards/cards/cards-reference,
https://adaptivecards.io/explorer/
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from tests.support.vendors import Reply, Request

HOST = "prod-12.westeurope.logic.azure.com"
PATH = "/workflows/0123456789abcdef0123456789abcdef/triggers/manual/paths/invoke"
SIGNATURE = "aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789abcdefg"
URL = f"https://{HOST}:443{PATH}?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig={SIGNATURE}"

_CARD = "application/vnd.microsoft.card.adaptive"
_STYLES = {"default", "emphasis", "good", "attention", "warning", "accent"}
_SIZES = {"Small", "Default", "Medium", "Large", "ExtraLarge"}


@dataclass
class MsTeamsJudge:
    """`posted` are the cards; `later` are answers that come before the rules, one for each request."""

    posted: list[dict[str, Any]] = field(default_factory=list)
    later: list[Reply | None] = field(default_factory=list)

    def __call__(self, request: Request) -> Reply:
        said = self.later.pop(0) if self.later else None
        return self.judge(request) if said is None else said

    def judge(self, request: Request) -> Reply:
        if request.path != PATH:
            return error(404, "WorkflowNotFound")
        if request.query.get("sig") != SIGNATURE or "api-version" not in request.query:
            return error(401, "DirectApiAuthorizationRequired")
        if request.method != "POST":
            return error(404, "WorkflowTriggerNotFound")
        if len(request.body) > 28 * 1024:
            return error(413, "RequestEntityTooLarge")
        if not request.headers.get("content-type", "").startswith("application/json"):
            return error(400, "TriggerInputSchemaMismatch")
        card = card_of(request.body)
        if card is None:
            return error(400, "TriggerInputSchemaMismatch")
        self.posted.append(card)
        return Reply(202, b"")


def error(status: int, code: str) -> Reply:
    """A refusal in Logic Apps' form."""
    return Reply(status, json.dumps({"error": {"code": code, "message": f"{code}: see the workflow."}}).encode())


def card_of(body: bytes) -> dict[str, Any] | None:
    """The card of a message that Teams can show."""
    try:
        message = json.loads(body)
        (attachment,) = message["attachments"]
        card: dict[str, Any] = attachment["content"]
        fits = message["type"] == "message" and attachment["contentType"] == _CARD and _is_card(card)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return card if fits else None


def _is_card(card: dict[str, Any]) -> bool:
    return (
        card["type"] == "AdaptiveCard"
        and card["version"] in ("1.2", "1.3", "1.4", "1.5")
        and all(map(_is_element, card["body"]))
        and len(card.get("actions", [])) <= 6
        and all(map(_is_action, card.get("actions", [])))
    )


def _is_element(element: dict[str, Any]) -> bool:
    match element["type"]:
        case "Container":
            return element.get("style", "default") in _STYLES and all(map(_is_element, element["items"]))
        case "RichTextBlock":
            return bool(element["inlines"]) and all(map(_is_run, element["inlines"]))
    return False


def _is_run(run: dict[str, Any]) -> bool:
    return run["type"] == "TextRun" and isinstance(run["text"], str) and run.get("size", "Default") in _SIZES


def _is_action(action: dict[str, Any]) -> bool:
    return action["type"] == "Action.OpenUrl" and bool(action["title"]) and action["url"].startswith("https://")
