"""What a violated constraint means to the caller: constraint name → error.

Constraint names are chosen in sql/migrations for this table. A name that is not here is our own mistake, not the
caller's, and stays an internal error.
"""

from __future__ import annotations

from typing import NamedTuple

from control_plane.errors import BadRequest, Conflict, FarwatchError, NotFound, Refused


class Violation(NamedTuple):
    kind: type[FarwatchError]
    message: str
    field: str | None
    code: str | None = None


VIOLATIONS = {
    "agents_name_key": Violation(
        Conflict, "An agent of that name exists in this region already.", "/name", "NAME_TAKEN"
    ),
    "api_keys_label_length": Violation(BadRequest, "A key's label has 3 to 100 characters.", "/label"),
    "assignments_region_id_fkey": Violation(
        Refused, "One of these regions was removed just now.", "/regions", "INVALID_REGIONS"
    ),
    "channels_name_key": Violation(Refused, "A channel of that name exists already.", "/name", "CHANNEL_NAME_TAKEN"),
    "deny_rules_value_key": Violation(Conflict, "That rule exists already.", "/value", "DENY_RULE_EXISTS"),
    "opt_outs_domain_key": Violation(Conflict, "That domain opted out already.", "/domain", "OPT_OUT_EXISTS"),
    "incidents_one_open": Violation(Conflict, "This monitor has an open incident already.", None, "INCIDENT_OPEN"),
    "maintenance_windows_key_key": Violation(
        Conflict, "A maintenance window with that key exists already.", "/key", "KEY_TAKEN"
    ),
    "invitations_open_key": Violation(
        Conflict,
        "An invitation to this address is open already: send it again, or revoke it.",
        "/email",
        "ALREADY_INVITED",
    ),
    "members_pkey": Violation(Conflict, "This person is a member already.", "/email", "ALREADY_MEMBER"),
    "monitor_channels_channel_fkey": Violation(BadRequest, "There is no such channel.", "/alerts"),
    "monitor_escalations_channel_fkey": Violation(BadRequest, "There is no such channel.", "/escalations"),
    "monitor_channels_pkey": Violation(BadRequest, "A channel is listed twice.", "/alerts"),
    "monitor_dependencies_not_itself": Violation(
        Refused, "A monitor does not depend on itself.", "/depends_on", "DEPENDENCY_CYCLE"
    ),
    "monitor_dependencies_upstream_fkey": Violation(
        BadRequest, "One of these monitors was deleted just now.", "/depends_on", "INVALID_DEPENDENCY"
    ),
    "page_components_monitor_key": Violation(
        Conflict, "This monitor is on the page already: change its component.", "/monitor_id", "COMPONENT_ON_PAGE"
    ),
    "page_components_monitor_fkey": Violation(
        BadRequest, "This monitor was deleted just now.", "/monitor_id", "INVALID_MONITOR"
    ),
    "status_pages_slug_key": Violation(Conflict, "This slug is taken: choose another.", "/slug", "SLUG_TAKEN"),
    "status_pages_custom_domain_key": Violation(
        Conflict, "Another status page is reached by this domain.", "/custom_domain", "CUSTOM_DOMAIN_TAKEN"
    ),
    "status_pages_key_key": Violation(Conflict, "A status page with that key exists already.", "/key", "KEY_TAKEN"),
    "routes_name_key": Violation(Conflict, "A route of that name exists already.", "/name", "NAME_TAKEN"),
    "routes_key_key": Violation(Conflict, "A route with that key exists already.", "/key", "KEY_TAKEN"),
    "route_channels_channel_fkey": Violation(
        BadRequest, "One of these channels was deleted just now.", "/channel_ids", "INVALID_MATCH"
    ),
    "monitor_shares_monitor_fkey": Violation(NotFound, "This monitor was deleted just now.", None, "MONITOR_NOT_FOUND"),
    "feeds_name_key": Violation(Conflict, "A feed of that name exists already.", "/name", "NAME_TAKEN"),
    "monitors_alert_on_known": Violation(BadRequest, "alert_on is down or degraded.", "/alert_on"),
    "monitors_confirmations_range": Violation(BadRequest, "confirmations is 1 to 10.", "/confirmations"),
    "monitors_interval_floor": Violation(Refused, "The interval is at least 10 s.", "/interval", "MIN_CHECK_INTERVAL"),
    "monitors_key_key": Violation(Conflict, "A monitor with that key exists already.", "/key", "KEY_TAKEN"),
    "monitors_name_length": Violation(BadRequest, "A monitor's name has 1 to 100 characters.", "/name"),
    "monitors_policy_count": Violation(
        Refused, "The policy count needs a number of at least 1.", "/region_policy", "INVALID_REGION_POLICY"
    ),
    "monitors_policy_known": Violation(BadRequest, "region_policy is any, majority, all or count.", "/region_policy"),
    "monitors_severity_known": Violation(BadRequest, "severity is minor, major or critical.", "/severity"),
    "plans_name_form": Violation(
        BadRequest, "A plan's name is 1 to 40 of a-z, 0-9, _ and inner dashes.", "/name", "INVALID_NAME"
    ),
    "plans_pkey": Violation(Conflict, "A plan of that name exists already.", "/name", "NAME_TAKEN"),
    "regions_shared_is_guarded": Violation(Refused, "A shared region reaches no private address.", "/allow_cidrs"),
    "regions_slug_form": Violation(BadRequest, "A region's id is 1 to 40 of a-z, 0-9 and inner dashes.", "/id"),
    "regions_own_slug_key": Violation(Conflict, "A private region of that id exists already.", "/id", "ID_TAKEN"),
    "regions_slug_key": Violation(Conflict, "A region of that id exists already.", "/id", "ID_TAKEN"),
    "user_identities_pkey": Violation(Conflict, "You are signing in elsewhere this very moment. Try again.", None),
    "users_email_key": Violation(Conflict, "You are signing in elsewhere this very moment. Try again.", None),
    "tenants_name_length": Violation(BadRequest, "A tenant's name has 1 to 100 characters.", "/name"),
    "tenants_plan_fkey": Violation(
        BadRequest, "There is no such plan: GET /operator/plans lists them.", "/plan", "INVALID_PLAN"
    ),
}


def error_of(constraint: str | None) -> FarwatchError | None:
    """The error that a violation of this constraint is for the caller; None when it is not the caller's doing."""
    known = VIOLATIONS.get(constraint or "")
    return known and known.kind(known.message, code=known.code, field=known.field)
