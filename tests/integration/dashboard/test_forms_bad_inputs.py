"""Every bad value of the corpus that a form can carry is refused beside its field, and nothing is made of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from control_plane.dashboard.monitors.form_fields import FormField, fields
from control_plane.dashboard.monitors.form_reading import first
from control_plane.dashboard.monitors.form_values import CODECS
from control_plane.dashboard.monitors.monitor_form import body_of
from tests.support.dashboard import Desk, entered
from tests.support.hostile import BadInput, bad_inputs

RENAMED = {"alert_confirmations": "confirmations", "check.expected_body_regex": "check.body_regex"}
TAKEN = {"B096", "B106", "B141", "B157"}
"""What a form means otherwise than JSON: all its numbers are texts, statuses have commas between them, and blanks
around a token are nobody's. Expressions run on RE2, where nested repetition is harmless."""

LEAST = 40
"""Rows of the corpus that a form can carry, at least."""


def carried(row: BadInput, blank: Mapping[str, Sequence[str]]) -> tuple[str, dict[str, Sequence[str]]] | None:
    """The kind of form and its fields in which the bad value stands; None where no form can say it."""
    name = RENAMED.get(row.field, row.field).replace(".", "/")
    if name == "check":
        return whole(row.value)
    kind = "tcp" if name == "check/port" else "http"
    field = next((each for each in fields(kind) if each.pointer == f"/{name}"), None)
    if field is None:
        return None
    written = said(field, row.value)
    return None if written is None else (kind, {**blank, **written})


def said(field: FormField, value: Any) -> dict[str, Sequence[str]] | None:
    """The value in its field, if what is read back there is the same."""
    try:
        written = CODECS[field.widget].write(value, field)
        if not all(isinstance(each, str) and each.encode() is not None for part in written.values() for each in part):
            return None
        back = CODECS[field.widget].read(written, field)
    except (TypeError, AttributeError, KeyError, IndexError, ValueError):
        return None  # of another shape than any form has
    same = back == value or (isinstance(value, str) and first(written, field.name).strip() == value.strip())
    return dict(written) if same else None


def whole(value: Any) -> tuple[str, dict[str, Sequence[str]]] | None:
    """A whole check of the corpus in the form of its kind."""
    if not isinstance(value, dict) or value.get("type") not in ("tls_cert", "domain_expiry", "tcp", "dns"):
        return None
    kind = value["type"]
    raw: dict[str, Sequence[str]] = {"name": ["Shop"], "regions": ["eu"]}
    for field in fields(kind):
        if field.member[0] == "check" and field.member[-1] in value:
            raw |= CODECS[field.widget].write(value[field.member[-1]], field)
    return (kind, raw) if body_of(kind, raw)["check"].items() >= value.items() else None


async def test_what_the_corpus_holds_is_refused_beside_its_field(desk: Desk, http: httpx.AsyncClient) -> None:
    page = (await http.get("/app/monitors/new")).text
    token = re.search(r'name="form_token" value="([0-9a-f]+)"', page)
    assert token is not None
    blank = entered((await http.get("/app/monitors/new?kind=http")).text)
    blank |= {"name": ["Shop"], "check-url": ["https://example.com/"]}
    rows = [(row, found) for row in bad_inputs() if row.id not in TAKEN and (found := carried(row, blank))]
    assert len(rows) >= LEAST
    wrong = {}
    taken = 0
    for row, (kind, filled) in rows:
        reply = await http.post("/app/monitors", data={**filled, "kind": kind, "form_token": token[1]})
        if row.http == 201 or _is_empty(row):
            taken += reply.status_code == 303
        beside = re.findall(r'id="[\w-]+-problem">[^<]+<', reply.text)
        expected = reply.status_code == 303 if row.http == 201 else reply.status_code == row.http and bool(beside)
        if not expected and not (_is_empty(row) and reply.status_code == 303):
            wrong[row.id] = (reply.status_code, beside[:2])
    assert wrong == {}
    async with desk.served.tenant() as api:
        assert (await api.get("/api/v1/monitors")).json()["total"] == taken


def _is_empty(row: BadInput) -> bool:
    """An empty field is one in which nothing was said, unless the monitor needs it."""
    return row.value in ("", []) and row.field not in ("name", "check.url", "regions")
