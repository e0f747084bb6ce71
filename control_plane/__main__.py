"""The `farwatch` command's entry: what refuses to start says why, and how to go on."""

from __future__ import annotations

import sys
from typing import NoReturn

from control_plane.errors import FarwatchError, StartupRefused, Unavailable

FAILED, UNREACHABLE = 1, 5


def main() -> None:
    """Run the command line. Needs the extra `server`; an agent alone has `farwatch-agent`."""
    try:
        from control_plane.cli import farwatch  # noqa: PLC0415 - the agent's install has not what this imports

        farwatch(prog_name="farwatch")  # however it was started: python -m, or the script
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in {"control_plane", "agent", "shared"}:
            raise
        _end(f"{error.name} is missing. Install the control plane with: pip install 'farwatch[server]'", FAILED)
    except Unavailable as error:
        _end(error.message, UNREACHABLE)
    except (StartupRefused, FarwatchError) as error:
        _end(str(error), FAILED)


def _end(words: str, status: int) -> NoReturn:
    print(f"farwatch: {words}", file=sys.stderr)
    sys.exit(status)


if __name__ == "__main__":
    main()
