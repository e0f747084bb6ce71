"""/api/v1/domains: proving that a domain is the tenant's own."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from control_plane.domain.safety.safety_domains import Method, State, path_of, record_of
from control_plane.services.safety.add_domain import add_domain
from control_plane.services.safety.remove_domain import remove_domain
from control_plane.services.safety.verify_domain import DomainVerifier, unknown_domain, verify_domain
from control_plane.store import domains
from control_plane.store.domains import DomainRow
from control_plane.web.call import Call, Reply
from control_plane.web.etag import require_match
from control_plane.web.paging import Page, PageQuery, capped, page_reply
from control_plane.web.routes import Door, Route


class DomainBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A name, or a URL that is reduced to its host. The apex covers every subdomain."""

    domain: Annotated[str, Meta(min_length=1, max_length=1024)]


class ProofJson(Struct, frozen=True):
    """Publish `value` at one of the two: as the file's only line, or as the record's text."""

    url: str
    txt_name: str
    value: str


class DomainJson(Struct, frozen=True, kw_only=True):
    """`state`: pending; verified; grace, when the proof was not found lately; lapsed, after 7 days of that."""

    id: UUID
    domain: str
    state: State
    method: Method | None
    proof: ProofJson
    verified_at: datetime | None
    checked_at: datetime | None
    next_check_at: datetime | None
    failed_since: datetime | None
    last_error: str | None
    created_at: datetime
    updated_at: datetime


def domain_json(row: DomainRow) -> DomainJson:
    """The row as it is shown."""
    url = f"https://{row.domain}{path_of(row.path_token)}"
    return DomainJson(
        id=row.id,
        domain=row.domain,
        state=row.state,
        method=row.method,
        proof=ProofJson(url, record_of(row.domain), row.txt_token),
        verified_at=row.verified_at,
        checked_at=row.checked_at,
        next_check_at=row.next_check_at,
        failed_since=row.failed_since,
        last_error=row.last_error,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


async def create(call: Call) -> Reply:
    row, is_new = await add_domain(
        call.deps.database,
        tenant_id=call.tenant().tenant_id,
        domain_id=call.deps.new_id(),
        domain=call.body.domain,
    )
    headers = {"Location": f"/api/v1/domains/{row.id}"}
    return Reply(domain_json(row), status=201 if is_new else 200, headers=headers, etag=row.revision)


async def list_domains(call: Call) -> Reply:
    tenant_id, query = call.tenant().tenant_id, call.query
    async with call.deps.database.tenant(tenant_id) as conn:
        rows, total = await domains.list_domains(
            conn, tenant_id=tenant_id, limit=capped(query.limit), offset=query.offset
        )
    return page_reply(call, [domain_json(row) for row in rows], total=total)


async def get(call: Call) -> Reply:
    tenant_id = call.tenant().tenant_id
    async with call.deps.database.tenant(tenant_id) as conn:
        row = await domains.get_domain(conn, tenant_id=tenant_id, domain_id=call.uuid("domain_id"))
    if row is None:
        raise unknown_domain()
    return Reply(domain_json(row), etag=row.revision)


async def verify(call: Call) -> Reply:
    row = await verify_domain(
        call.deps.database,
        DomainVerifier.of(call.deps.settings),
        tenant_id=call.tenant().tenant_id,
        domain_id=call.uuid("domain_id"),
        now=call.deps.now(),
    )
    return Reply(domain_json(row), etag=row.revision)


async def delete(call: Call) -> Reply:
    await remove_domain(
        call.deps.database,
        tenant_id=call.tenant().tenant_id,
        domain_id=call.uuid("domain_id"),
        check_revision=partial(require_match, call.request),
    )
    return Reply()


_route = partial(Route, door=Door.TENANT, tag="domains")
_DOMAIN = "/api/v1/domains/{domain_id}"
_UNKNOWN = ("DOMAIN_NOT_FOUND", "INVALID_ID")

ROUTES: tuple[Route, ...] = (
    _route(
        method="POST",
        path="/api/v1/domains",
        handler=create,
        operation="add_domain",
        summary="Say that a domain is yours, and learn how to prove it",
        description="A domain that is there already is answered with 200 and its tokens.",
        scope="domains:write",
        body=DomainBody,
        reply=DomainJson,
        status=201,
        or_status=200,
        errors=("INVALID_DOMAIN", "QUOTA_EXCEEDED"),
        example={"domain": "example.com"},
    ),
    _route(
        method="GET",
        path="/api/v1/domains",
        handler=list_domains,
        operation="list_domains",
        summary="List your domains",
        scope="domains:read",
        query=PageQuery,
        reply=Page[DomainJson],
    ),
    _route(
        method="GET",
        path=_DOMAIN,
        handler=get,
        operation="get_domain",
        summary="Get a domain and how to prove it",
        scope="domains:read",
        reply=DomainJson,
        errors=_UNKNOWN,
    ),
    _route(
        method="POST",
        path=_DOMAIN + "/verify",
        handler=verify,
        operation="verify_domain",
        summary="Look for the proof now",
        description="The file is asked for over https, the record of the name server that the operator has set.",
        category="check_now",
        scope="domains:write",
        reply=DomainJson,
        errors=_UNKNOWN,
    ),
    _route(
        method="DELETE",
        path=_DOMAIN,
        handler=delete,
        operation="delete_domain",
        summary="Delete a domain",
        scope="domains:write",
        status=204,
        errors=(*_UNKNOWN, "PRECONDITION_FAILED"),
    ),
)
