"""/app/settings/keys: the keys of a tenant's programs. A new one is on the page that answers, and on no other."""

from __future__ import annotations

from functools import partial
from typing import Any

from aiohttp import web

from control_plane.dashboard.settings.frame import REFUSALS, again, pepper, settings_page
from control_plane.dashboard.visit import Visit, form, page, see_other
from control_plane.dashboard.words import maybe_moment, moment
from control_plane.domain.key_presets import Preset, presets_for
from control_plane.domain.tenants.credentials import SCOPES, beyond
from control_plane.errors import BadRequest, Forbidden
from control_plane.services.tenants.issue_api_key import IssuedKey, issue_api_key
from control_plane.services.tenants.revoke_api_key import revoke_api_key
from control_plane.services.tenants.rotate_api_key import rotate_api_key
from control_plane.store import api_keys, plans
from control_plane.store.api_keys import ApiKey
from control_plane.web.routes import Route

_HERE = "/app/settings/keys"
_MOST = 200
_LABEL = (3, 100)


async def show_keys(visit: Visit) -> web.StreamResponse:
    return await _keys(visit)


async def _keys(
    visit: Visit, *, issued: IssuedKey | None = None, rotated: bool = False, problem: str = "", status: int = 200
) -> web.Response:
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        items, total = await api_keys.list_live(conn, tenant_id=visit.tenant_id, limit=_MOST, offset=0)
        lasting = await api_keys.count_lasting(conn, tenant_id=visit.tenant_id)
        terms = await plans.read_terms(conn, tenant_id=visit.tenant_id)
    chosen = set(visit.form.get("scopes", ())) if problem else set()
    context = {
        "keys": [_view(visit, each) for each in items],
        "total": total,
        "lasting": lasting,
        "limit": terms.quotas.get("keys"),
        "may_change": visit.may("keys:write"),
        "new_key": issued.key if issued else "",
        "new_label": issued.record.label if issued else "",
        "rotated": rotated,
        "label": visit.text("label") if problem else "",
        "presets": presets_for(visit.caller.scopes),
        "preset": visit.text("preset") if problem else "read",
        "resources": _resources(visit, chosen),
        "problem": problem,
    }
    return settings_page(visit, "settings_keys.html", context, status=status)


async def create(visit: Visit) -> web.StreamResponse:
    try:
        issued = await issue_api_key(
            visit.deps.database, visit.tenant_id, label=_label(visit), scopes=_scopes(visit), pepper=pepper(visit)
        )
    except REFUSALS as error:
        return await again(_keys, visit, error)
    return await _keys(visit, issued=issued)


async def rotate(visit: Visit) -> web.StreamResponse:
    try:
        issued = await rotate_api_key(
            visit.deps.database,
            visit.tenant_id,
            visit.id("key_id"),
            own_scopes=visit.caller.scopes,
            pepper=pepper(visit),
        )
    except REFUSALS as error:
        return await again(_keys, visit, error)
    return await _keys(visit, issued=issued, rotated=True)


async def revoke(visit: Visit) -> web.StreamResponse:
    try:
        ended = await revoke_api_key(visit.deps.database, visit.tenant_id, visit.id("key_id"))
    except REFUSALS as error:
        return await again(_keys, visit, error)
    visit.deps.authenticator.forget(ended)
    visit.deps.authenticator.forget_sessions()
    return see_other(_HERE)


def _label(visit: Visit) -> str:
    label = visit.text("label")
    least, most = _LABEL
    if not least <= len(label) <= most or "\x00" in label:
        message = f"A label has {least} to {most} characters: say which program will use the key"
        raise BadRequest(message, code="INVALID_LABEL", field="/label")
    return label


def _scopes(visit: Visit) -> list[str]:
    preset = _preset(visit)
    wanted = sorted(preset.scopes) if preset else visit.form.get("scopes", [])
    if not wanted:
        raise BadRequest("Choose at least one thing that the key may do", code="INVALID_SCOPES", field="/scopes")
    if unknown := sorted(set(wanted) - set(SCOPES)):
        raise BadRequest(f"There is no scope {unknown[0][:40]}", code="INVALID_SCOPES", field="/scopes")
    if missing := beyond(wanted, visit.caller.scopes):
        message = f"You lack {', '.join(missing)}, so you cannot hand them on"
        raise Forbidden(message, code="MISSING_SCOPE", field="/scopes", details={"scopes": missing})
    return sorted(set(wanted))


def _preset(visit: Visit) -> Preset | None:
    """The preset that the form chooses; None where the scopes are ticked one by one."""
    asked = visit.text("preset")
    return next((each for each in presets_for(visit.caller.scopes) if each.key == asked), None)


def _resources(visit: Visit, chosen: set[str]) -> list[dict[str, Any]]:
    """What may be chosen, one line for each resource: only what the visitor may do themselves."""
    lines: dict[str, dict[str, Any]] = {}
    for scope in SCOPES:
        resource, _, right = scope.partition(":")
        if scope in visit.caller.scopes:
            lines.setdefault(resource, {})[right] = {"scope": scope, "chosen": scope in chosen}
    return [{"name": name, "read": rights.get("read"), "write": rights.get("write")} for name, rights in lines.items()]


def _view(visit: Visit, key: ApiKey) -> dict[str, Any]:
    now = visit.deps.now()
    return {
        "id": key.id,
        "number": key.number,
        "label": key.label,
        "prefix": key.prefix,
        "scopes": scope_words(key.scopes),
        "created": moment(key.created_at, now),
        "used": maybe_moment(key.last_used_at, now),
        "expires": maybe_moment(key.expires_at, now),
        "mine": key.id == visit.caller.key_id,
    }


def scope_words(scopes: object) -> dict[str, Any]:
    """What a key may do: everything, or resource by resource. Pure."""
    own = set(scopes) if isinstance(scopes, list | tuple | set | frozenset) else set()
    lines: dict[str, list[str]] = {}
    for scope in sorted(own):
        resource, _, right = scope.partition(":")
        lines.setdefault(resource, []).append(right)
    each = [f"{resource} ({' and '.join(rights)})" for resource, rights in lines.items()]
    summary = "everything" if own >= set(SCOPES) else f"{len(own)} of {len(SCOPES)} rights"
    if own == {scope for scope in SCOPES if scope.endswith(":read")}:
        summary = "reading everything"
    return {"summary": summary, "each": each}


_writes = partial(form, scope="keys:write")

ROUTES: tuple[Route, ...] = (
    page(_HERE, show_keys, operation="show_keys", summary="The keys of programs", scope="keys:read"),
    _writes(_HERE, create, operation="create_key_from_page", summary="Make a key"),
    _writes(f"{_HERE}/{{key_id}}/rotate", rotate, operation="rotate_key_from_page", summary="Replace a key"),
    _writes(f"{_HERE}/{{key_id}}/revoke", revoke, operation="revoke_key_from_page", summary="Revoke a key"),
)
