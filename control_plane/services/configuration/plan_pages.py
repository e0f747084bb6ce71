"""Plan the status pages of a configuration file: pure, once everything is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from msgspec import UNSET, UnsetType

from control_plane.domain.checks.secrets_of_check import MASK
from control_plane.domain.configuration.config_components import read_components
from control_plane.domain.configuration.config_diff import Change, FieldChange, PlanWarning, secret_changes
from control_plane.domain.configuration.config_file import Refusals
from control_plane.domain.configuration.config_names import Names
from control_plane.domain.configuration.config_pages import PASSWORD, page_body, page_changes, short_page, whole_page
from control_plane.domain.configuration.config_secrets import missing_secrets
from control_plane.domain.pages.page_rules import PageConfig, read_page, read_password
from control_plane.domain.safety.safety_domains import covers
from control_plane.errors import FarwatchError
from control_plane.services.configuration.match_entries import Matched
from control_plane.services.configuration.plan_steps import Means, PageStep, missing
from control_plane.services.configuration.read_configuration import Stored, placed_on
from control_plane.services.pages.check_page_password import is_password
from control_plane.services.pages.page_rows import config_of, unproven
from control_plane.store.status_pages import PageRow


def plan_pages(
    stored: Stored,
    matches: Sequence[Matched[PageRow]],
    *,
    names: Names,
    monitor_names: Mapping[UUID, str],
    means: Means,
    refusals: Refusals,
) -> tuple[list[PageStep], list[PlanWarning]]:
    """A step for each entry; `monitor_names` as they will be. Refusals are noted at the entry's place."""
    steps: list[PageStep] = []
    warnings: list[PlanWarning] = []
    for match in matches:
        try:
            password = read_password(match.entry.value)
            steps.append(_step(stored, match, password, names=names, monitor_names=monitor_names, means=means))
        except FarwatchError as error:
            refusals.add(error, match.entry.pointer)
            continue
        kept = password is UNSET and match.row is not None and match.row.password_digest is not None
        there = [PASSWORD] if kept or isinstance(password, str) else []
        gone = missing_secrets(match.entry.value.get("secrets") or [], there)
        warnings += missing(gone, kind="status_page", entry=match.entry, is_new=match.row is None)
    return steps, warnings


def _step(
    stored: Stored,
    match: Matched[PageRow],
    password: str | UnsetType | None,
    *,
    names: Names,
    monitor_names: Mapping[UUID, str],
    means: Means,
) -> PageStep:
    row = match.row
    before = None if row is None else config_of(row)
    placed = [] if row is None else placed_on(stored, row.id)
    after = read_page(page_body(match.entry.value), stored=None)
    _refuse_unproven(stored, before, after)
    listed = match.entry.value.get("components")
    components = read_components(listed, names=names, monitor_names=monitor_names, stored=placed)
    new = whole_page(after, components, names)
    if row is None or before is None:
        fields = page_changes(None, {"key": match.entry.key, **short_page(new)})
    else:
        old = whole_page(before, placed, names)
        fields = page_changes({"key": row.key, **old}, {"key": match.entry.key, **new})
    changed = _password_changes(row, password, means)
    if row is not None and not fields and not changed:
        return PageStep(change=_change(match, after.title, "unchanged", ()), row=row)
    return PageStep(
        change=_change(match, after.title, "create" if row is None else "update", [*fields, *changed]),
        row=row,
        after=after,
        components=components,
        stored=() if row is None else stored.components.get(row.id, ()),
        password=password if changed else UNSET,
        digest=None if row is None else row.password_digest,
    )


def _password_changes(row: PageRow | None, password: str | UnsetType | None, means: Means) -> list[FieldChange]:
    digest = None if row is None else row.password_digest
    match password:
        case UnsetType():
            return []
        case None:
            return [] if digest is None else [FieldChange(PASSWORD, MASK, None)]
        case str():
            if digest is None:
                return secret_changes([PASSWORD])
            differs = means.compare_secrets and not is_password(digest, password)
            return secret_changes([PASSWORD]) if differs else []


def _refuse_unproven(stored: Stored, before: PageConfig | None, after: PageConfig) -> None:
    domain = after.custom_domain
    if domain is None or stored.proven is None or (before is not None and before.custom_domain == domain):
        return
    if not any(covers(proven, domain) for proven in stored.proven):
        raise unproven(domain)


def _change(match: Matched[PageRow], title: str, action: Any, fields: Sequence[FieldChange]) -> Change:
    row = match.row
    return Change(
        action=action,
        kind="status_page",
        key=match.entry.key,
        name=title,
        id=match.id,
        pointer=match.entry.pointer,
        fields=fields,
        revision=None if row is None else row.revision,
        write_source=None if row is None else row.write_source,
    )
