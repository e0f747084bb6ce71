"""The kinds of check and their parameters: one file a kind, one union, one table.

To add a kind: `shared/checks/<kind>.py` (its parameters), a line in `Check` and `CHECKS` here, and
`agent/checks/<kind>.py` (its work) with its line in the agent's table.
"""

from __future__ import annotations

from shared.checks.http import HttpCheck

Check = HttpCheck
"""The union of all kinds, told apart by `type`."""

CHECKS: dict[str, type[HttpCheck]] = {"http": HttpCheck}
