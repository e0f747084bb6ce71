"""Change one of the operator's deny rules. The job that applies them sees that they changed."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from msgspec import UNSET, UnsetType

from control_plane.domain.safety.safety import read_rule_value
from control_plane.errors import NotFound
from control_plane.store import deny_rules
from control_plane.store.deny_rules import StoredRule
from control_plane.store.pool import Database


async def change_deny_rule(
    database: Database,
    rule_id: UUID,
    *,
    check_revision: Callable[[int], None],
    value: str | UnsetType = UNSET,
    reason: str | UnsetType = UNSET,
) -> StoredRule:
    """The changed rule; its kind stays. Raises NotFound DENY_RULE_NOT_FOUND, BadRequest INVALID_DENY_RULE."""
    async with database.app_transaction() as conn:
        stored = await deny_rules.lock_rule(conn, rule_id=rule_id)
        if stored is None:
            raise unknown_rule()
        check_revision(stored.revision)
        canonical = UNSET if value is UNSET else read_rule_value(stored.kind, value)
        return await deny_rules.update_rule(conn, rule_id=rule_id, value=canonical, reason=reason)


async def delete_deny_rule(database: Database, rule_id: UUID, *, check_revision: Callable[[int], None]) -> None:
    """What it blocked is checked again within seconds. Raises NotFound DENY_RULE_NOT_FOUND."""
    async with database.app_transaction() as conn:
        stored = await deny_rules.lock_rule(conn, rule_id=rule_id)
        if stored is None:
            raise unknown_rule()
        check_revision(stored.revision)
        await deny_rules.delete_rule(conn, rule_id=rule_id)


def unknown_rule() -> NotFound:
    return NotFound("There is no such rule", code="DENY_RULE_NOT_FOUND")
