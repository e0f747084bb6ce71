"""/operator/plans: what tenants may have, use and ask for."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from control_plane.errors import NotFound
from control_plane.operator_api.plan_bodies import PLAN_ERRORS, FeaturesBody, QuotasBody, RatesBody, plain
from control_plane.services.tenants.change_plan import change_plan
from control_plane.services.tenants.delete_plan import delete_plan
from control_plane.store import plans
from control_plane.store.plans import Plan
from control_plane.web.call import Call, Reply
from control_plane.web.etag import require_match
from control_plane.web.paging import Page, PageQuery, capped, page_reply
from control_plane.web.routes import Door, Route

PlanName = Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9_-]{0,39}$")]
Title = Annotated[str, Meta(min_length=1, max_length=100)]


class PlanBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A new plan. What it does not name has no limit; a category without a rate has the installation's default."""

    name: PlanName
    title: Title
    quotas: QuotasBody | UnsetType = UNSET
    features: FeaturesBody | UnsetType = UNSET
    rates: RatesBody | UnsetType = UNSET


class PlanPatch(Struct, frozen=True, forbid_unknown_fields=True):
    """What may be changed of a plan: what is not named stays, null is no limit. Its name stays for ever."""

    title: Title | UnsetType = UNSET
    quotas: QuotasBody | UnsetType = UNSET
    features: FeaturesBody | UnsetType = UNSET
    rates: RatesBody | UnsetType = UNSET


async def create(call: Call) -> Reply:
    body: PlanBody = call.body
    parts = {"quotas": plain(body.quotas), "features": plain(body.features), "rates": plain(body.rates)}
    async with call.deps.database.app_transaction() as conn:
        plan = await plans.insert(conn, name=body.name, title=body.title, **parts)
    return Reply(plan, etag=plan.revision, headers={"Location": f"/operator/plans/{plan.name}"})


async def list_plans(call: Call) -> Reply:
    async with call.deps.database.app() as conn:
        items, total = await plans.list_all(conn, limit=capped(call.query.limit), offset=call.query.offset)
    return page_reply(call, items, total=total)


async def get(call: Call) -> Reply:
    async with call.deps.database.app() as conn:
        plan = await plans.get(conn, name=call.path["plan"])
    if plan is None:
        raise NotFound("There is no such plan", code="PLAN_NOT_FOUND")
    return Reply(plan, etag=plan.revision)


async def change(call: Call) -> Reply:
    body: PlanPatch = call.body
    plan = await change_plan(
        call.deps.database,
        name=call.path["plan"],
        check_revision=partial(require_match, call.request),
        title=body.title,
        quotas=plain(body.quotas),
        features=plain(body.features),
        rates=plain(body.rates),
    )
    return Reply(plan, etag=plan.revision)


async def delete(call: Call) -> Reply:
    check = partial(require_match, call.request)
    await delete_plan(call.deps.database, name=call.path["plan"], check_revision=check)
    return Reply()


_route = partial(Route, door=Door.OPERATOR, tag="Plans")
_PLAN = "/operator/plans/{plan}"

ROUTES: tuple[Route, ...] = (
    _route(
        method="POST",
        path="/operator/plans",
        handler=create,
        operation="create_plan",
        summary="Create a plan",
        body=PlanBody,
        reply=Plan,
        status=201,
        errors=("INVALID_NAME", "NAME_TAKEN", *PLAN_ERRORS),
        example={
            "name": "team",
            "title": "Team",
            "quotas": {"max_monitors": 500, "members": 25},
            "features": {"min_interval": 30, "max_regions": 5},
            "rates": {"creates": {"tenant": 60, "caller": 20}},
        },
    ),
    _route(
        method="GET",
        path="/operator/plans",
        handler=list_plans,
        operation="list_plans",
        summary="List plans",
        query=PageQuery,
        reply=Page[Plan],
    ),
    _route(
        method="GET",
        path=_PLAN,
        handler=get,
        operation="get_plan",
        summary="Get a plan",
        reply=Plan,
        errors=("PLAN_NOT_FOUND",),
    ),
    _route(
        method="PATCH",
        path=_PLAN,
        handler=change,
        operation="change_plan",
        summary="Change a plan for all tenants that have it",
        body=PlanPatch,
        reply=Plan,
        errors=("PLAN_NOT_FOUND", "PRECONDITION_FAILED", *PLAN_ERRORS),
        example={"quotas": {"max_monitors": 1000}},
    ),
    _route(
        method="DELETE",
        path=_PLAN,
        handler=delete,
        operation="delete_plan",
        summary="Delete a plan that no tenant has",
        status=204,
        errors=("PLAN_NOT_FOUND", "PLAN_IN_USE", "PLAN_BUILT_IN", "PRECONDITION_FAILED"),
    ),
)
