"""/operator/deny-lists and /operator/opt-outs: what nobody may watch."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from control_plane.domain.safety.safety import PATTERN_LIMIT, RuleKind, read_rule_value
from control_plane.errors import NotFound
from control_plane.services.safety.change_deny_rule import change_deny_rule, delete_deny_rule, unknown_rule
from control_plane.store import deny_rules
from control_plane.store.deny_rules import OptOut, StoredRule
from control_plane.web.call import Call, Reply
from control_plane.web.etag import require_match
from control_plane.web.paging import Page, PageQuery, capped, page_reply
from control_plane.web.routes import Door, Route

Value = Annotated[str, Meta(min_length=1, max_length=PATTERN_LIMIT)]
Reason = Annotated[str, Meta(min_length=1, max_length=500)]
Word = Annotated[str, Meta(min_length=1, max_length=200)]


class RuleBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A rule. `domain` takes its subdomains along, `url_glob` knows * and ?, `url_regex` is RE2, `cidr` is for literal
    addresses. Whoever is refused reads `reason`.
    """

    kind: RuleKind
    value: Value
    reason: Reason


class RulePatch(Struct, frozen=True, forbid_unknown_fields=True):
    """What may be changed of a rule."""

    value: Value | UnsetType = UNSET
    reason: Reason | UnsetType = UNSET


class RulesQuery(PageQuery, frozen=True):
    """`q` is looked for in the value."""

    kind: RuleKind | None = None
    q: Word | None = None


class OptOutBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A domain, with its subdomains. `note`: who asked, and when."""

    domain: Annotated[str, Meta(min_length=1, max_length=1024)]
    note: Annotated[str, Meta(max_length=500)] | None = None


class OptOutsQuery(PageQuery, frozen=True):
    """`q` is looked for in the domain."""

    q: Word | None = None


async def create_rule(call: Call) -> Reply:
    body: RuleBody = call.body
    value = read_rule_value(body.kind, body.value)
    async with call.deps.database.app_transaction() as conn:
        rule = await deny_rules.insert_rule(
            conn, rule_id=call.deps.new_id(), kind=body.kind, value=value, reason=body.reason
        )
    return Reply(rule, etag=rule.revision, headers={"Location": f"/operator/deny-lists/{rule.id}"})


async def list_rules(call: Call) -> Reply:
    query: RulesQuery = call.query
    async with call.deps.database.app() as conn:
        items, total = await deny_rules.list_rules(
            conn, kind=query.kind, q=query.q, limit=capped(query.limit), offset=query.offset
        )
    return page_reply(call, items, total=total)


async def get_rule(call: Call) -> Reply:
    async with call.deps.database.app() as conn:
        rule = await deny_rules.get_rule(conn, rule_id=call.uuid("rule_id"))
    if rule is None:
        raise unknown_rule()
    return Reply(rule, etag=rule.revision)


async def change_rule(call: Call) -> Reply:
    rule = await change_deny_rule(
        call.deps.database,
        call.uuid("rule_id"),
        check_revision=partial(require_match, call.request),
        value=call.body.value,
        reason=call.body.reason,
    )
    return Reply(rule, etag=rule.revision)


async def delete_rule(call: Call) -> Reply:
    check = partial(require_match, call.request)
    await delete_deny_rule(call.deps.database, call.uuid("rule_id"), check_revision=check)
    return Reply()


async def create_opt_out(call: Call) -> Reply:
    domain = read_rule_value("domain", call.body.domain, "/domain")
    async with call.deps.database.app_transaction() as conn:
        made = await deny_rules.insert_opt_out(conn, opt_out_id=call.deps.new_id(), domain=domain, note=call.body.note)
    return Reply(made, headers={"Location": f"/operator/opt-outs/{made.id}"})


async def list_opt_outs(call: Call) -> Reply:
    query: OptOutsQuery = call.query
    async with call.deps.database.app() as conn:
        items, total = await deny_rules.list_opt_outs(conn, q=query.q, limit=capped(query.limit), offset=query.offset)
    return page_reply(call, items, total=total)


async def delete_opt_out(call: Call) -> Reply:
    async with call.deps.database.app_transaction() as conn:
        if not await deny_rules.delete_opt_out(conn, opt_out_id=call.uuid("opt_out_id")):
            raise NotFound("There is no such opt-out", code="OPT_OUT_NOT_FOUND")
    return Reply()


_route = partial(Route, door=Door.OPERATOR, tag="Safety")
_RULE = "/operator/deny-lists/{rule_id}"
_UNKNOWN = ("DENY_RULE_NOT_FOUND", "INVALID_ID")

ROUTES: tuple[Route, ...] = (
    _route(
        method="POST",
        path="/operator/deny-lists",
        handler=create_rule,
        operation="create_deny_rule",
        summary="Deny a domain, a pattern of URLs or a network",
        description="Refused from now on; monitors that exist already leave their agents within seconds.",
        body=RuleBody,
        reply=StoredRule,
        status=201,
        errors=("INVALID_DENY_RULE", "DENY_RULE_EXISTS"),
        example={"kind": "domain", "value": "example.net", "reason": "Abuse report 2026-118"},
    ),
    _route(
        method="GET",
        path="/operator/deny-lists",
        handler=list_rules,
        operation="list_deny_rules",
        summary="List the deny rules",
        query=RulesQuery,
        reply=Page[StoredRule],
    ),
    _route(
        method="GET",
        path=_RULE,
        handler=get_rule,
        operation="get_deny_rule",
        summary="Get a deny rule",
        reply=StoredRule,
        errors=_UNKNOWN,
    ),
    _route(
        method="PATCH",
        path=_RULE,
        handler=change_rule,
        operation="change_deny_rule",
        summary="Change a deny rule",
        body=RulePatch,
        reply=StoredRule,
        errors=(*_UNKNOWN, "PRECONDITION_FAILED", "INVALID_DENY_RULE", "DENY_RULE_EXISTS"),
        example={"reason": "Abuse report 2026-118, confirmed"},
    ),
    _route(
        method="DELETE",
        path=_RULE,
        handler=delete_rule,
        operation="delete_deny_rule",
        summary="Delete a deny rule: what it blocked is checked again within seconds",
        status=204,
        errors=(*_UNKNOWN, "PRECONDITION_FAILED"),
    ),
    _route(
        method="POST",
        path="/operator/opt-outs",
        handler=create_opt_out,
        operation="create_opt_out",
        summary="Note that the owner of a domain does not want it watched",
        body=OptOutBody,
        reply=OptOut,
        status=201,
        errors=("INVALID_DENY_RULE", "OPT_OUT_EXISTS"),
        example={"domain": "example.org", "note": "Mail of its owner, 12 May"},
    ),
    _route(
        method="GET",
        path="/operator/opt-outs",
        handler=list_opt_outs,
        operation="list_opt_outs",
        summary="List the domains that opted out",
        query=OptOutsQuery,
        reply=Page[OptOut],
    ),
    _route(
        method="DELETE",
        path="/operator/opt-outs/{opt_out_id}",
        handler=delete_opt_out,
        operation="delete_opt_out",
        summary="Let a domain be watched again",
        status=204,
        errors=("OPT_OUT_NOT_FOUND", "INVALID_ID"),
    ),
)
