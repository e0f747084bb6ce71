"""Every route against every caller: who is let in, what the others are told, and that nothing of a tenant leaks.

Made from the table of routes: a route that is added is in here by itself.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import AsyncIterator, Mapping

import pytest

from control_plane import store
from control_plane.app import all_routes, build_app
from control_plane.domain.tenants.credentials import SCOPES, KeyKind
from control_plane.store.pool import Database
from control_plane.web.routes import Door, Route
from tests.support.dashboard import a_desk
from tests.support.matrix import OPERATOR_SECRET, Answer, Matrix, a_matrix, routes, unknown_key

OPEN_TO_ALL = {"get_meta"}
"""Operations of the tenant's door that need no key."""
ANY_KEY = {"get_me", "list_my_sessions", "end_my_session", "end_my_sessions"}
NOT_FOR_STRANGERS = re.compile(r"NOT_FOUND|INVALID|UNKNOWN|MISSING|PARAMETER|QUERY")


@pytest.fixture
async def matrix(database: Database) -> AsyncIterator[Matrix]:
    async with a_desk(database) as desk:
        yield await a_matrix(desk)


async def told(matrix: Matrix, credential: str | None, *doors: Door) -> list[Answer]:
    return await matrix.ask_all(routes(*doors), credential)


def named(answers: list[Answer], wrong: Mapping[str, object] | None = None) -> list[str]:
    return [f"{a.route.method} {a.route.path}: {a.status} {a.code} {wrong or ''}" for a in answers]


async def expect(matrix: Matrix, credential: str | None, expected: Mapping[Door, tuple[int, str]]) -> None:
    """Every route of these doors answers this caller so."""
    for door, (status, code) in expected.items():
        answers = [a for a in await told(matrix, credential, door) if a.route.operation not in OPEN_TO_ALL]
        assert answers
        assert named([a for a in answers if (a.status, a.code) != (status, code)]) == []


async def test_without_a_credential_nothing_opens(matrix: Matrix) -> None:
    doors = {
        Door.TENANT: (401, "UNAUTHENTICATED"),
        Door.AGENT: (401, "UNAUTHENTICATED"),
        Door.OPERATOR: (404, "NOT_FOUND"),
    }
    await expect(matrix, None, doors)


async def test_a_key_that_was_given_to_nobody_opens_nothing(matrix: Matrix) -> None:
    await expect(matrix, unknown_key(KeyKind.TENANT), {Door.TENANT: (401, "UNAUTHENTICATED")})
    await expect(matrix, unknown_key(KeyKind.AGENT), {Door.AGENT: (401, "UNAUTHENTICATED")})
    await expect(matrix, "not even a key", {Door.OPERATOR: (404, "NOT_FOUND")})


async def test_a_credential_opens_its_own_door_alone(matrix: Matrix) -> None:
    home = matrix.desk.served.home
    probe = next(iter(home.probe_keys.values()))
    hidden, refused = (404, "NOT_FOUND"), (401, "UNAUTHENTICATED")
    await expect(matrix, probe, {Door.TENANT: refused, Door.OPERATOR: hidden})
    await expect(matrix, home.api_key, {Door.AGENT: refused, Door.OPERATOR: hidden})
    await expect(matrix, OPERATOR_SECRET, {Door.TENANT: refused, Door.AGENT: refused})


async def test_a_revoked_key_opens_nothing(matrix: Matrix) -> None:
    async with matrix.desk.served.tenant() as http:
        made = (await http.post("/api/v1/keys", json={"label": "short", "scopes": list(SCOPES)})).json()
        assert (await http.delete(f"/api/v1/keys/{made['id']}")).status_code == 204
    await expect(matrix, made["key"], {Door.TENANT: (401, "UNAUTHENTICATED")})


async def test_a_key_with_too_small_a_scope_is_told_which_it_lacks(matrix: Matrix) -> None:
    """One key for each scope, which holds all the others."""
    wrong: list[Answer] = []
    for scope in SCOPES:
        ours = [route for route in routes(Door.TENANT) if route.scope == scope]
        async with matrix.desk.served.operator() as http:
            path = f"/operator/tenants/{matrix.desk.served.home.tenant_id}/keys"
            others = [each for each in SCOPES if each != scope]
            reply = await http.post(path, json={"label": "All but one", "scopes": others})
            assert reply.status_code == 201, reply.text
        answers = await matrix.ask_all(ours, reply.json()["key"])
        wrong += [a for a in answers if (a.status, a.code) != (403, "MISSING_SCOPE") or scope not in a.text]
    assert named(wrong) == []


async def test_a_stranger_is_told_nothing_and_changes_nothing(matrix: Matrix) -> None:
    before = await matrix.fingerprint()
    answers = await told(matrix, matrix.stranger, Door.TENANT)
    assert [(a.route.operation, matrix.leaks(a)) for a in answers if matrix.leaks(a)] == []
    ours = [a for a in answers if _on_something_of_ours(a.route)]
    assert len(ours) > 40
    assert named([a for a in ours if a.status not in (400, 404, 422)]) == []
    assert named([a for a in answers if a.status >= 500]) == []
    assert await matrix.fingerprint() == before


async def test_the_public_is_told_nothing_of_a_tenant(matrix: Matrix) -> None:
    answers = await told(matrix, None, Door.PUBLIC)
    assert [(a.route.operation, matrix.leaks(a)) for a in answers if matrix.leaks(a)] == []
    assert named([a for a in answers if a.status >= 500]) == []


OWN = re.compile(r"(?<![\w.])((?:\w+\.)?tenant_id) = (\$\d+)(?!\d)")
"""The predicate that keeps a statement to its tenant."""


async def test_without_their_where_clauses_the_database_alone_keeps_tenants_apart(
    matrix: Matrix, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row-level security behind every statement: each predicate on the tenant is taken out of the store."""
    assert _forget_the_tenant(monkeypatch) > 150
    before = await matrix.fingerprint()
    answers = await told(matrix, matrix.stranger, Door.TENANT)
    assert [(a.route.operation, matrix.leaks(a)) for a in answers if matrix.leaks(a)] == []
    assert await matrix.fingerprint() == before


def _forget_the_tenant(monkeypatch: pytest.MonkeyPatch) -> int:
    """Statements that were changed. Those of all tenants, and of the fleet, have no such predicate."""
    changed = 0
    for found in pkgutil.iter_modules(store.__path__):
        module = importlib.import_module(f"control_plane.store.{found.name}")
        for name, value in list(vars(module).items()):
            if name.isupper() and isinstance(value, str) and OWN.search(value):
                monkeypatch.setattr(module, name, OWN.sub(r"\2::uuid IS NOT NULL", value))
                changed += 1
    return changed


def _on_something_of_ours(route: Route) -> bool:
    return "_id}" in route.path


async def test_every_path_of_the_application_is_a_declared_route(matrix: Matrix) -> None:
    declared = {(route.method, re.sub(r":[^}]*}", "}", route.path)) for route in all_routes()}
    declared |= {("HEAD", path) for method, path in declared if method == "GET"}
    app = await build_app(matrix.desk.served.deps.settings, database=matrix.desk.database, with_jobs=False)
    served = {(route.method, route.resource.canonical) for route in app.router.routes() if route.resource is not None}
    assert served - declared == set()
    assert len(served) > 100


def test_what_needs_no_key_or_any_key_is_listed() -> None:
    tenant = routes(Door.TENANT)
    assert {route.operation for route in tenant if route.open_} == OPEN_TO_ALL
    assert {route.operation for route in tenant if route.any_key} == ANY_KEY
    assert {route.operation for route in tenant if route.scope is None} == OPEN_TO_ALL | ANY_KEY
