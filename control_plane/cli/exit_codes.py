"""What a command's exit status says (chapter 4): the same in every command."""

from __future__ import annotations

OK = 0
FAILED = 1  # unhealthy, or the work failed
USAGE = 2
NOT_FOUND = 3
AUTH = 4
UNREACHABLE = 5
DRIFT = 6  # of plan: applying would change something
