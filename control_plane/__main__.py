"""The `farwatch` command's entry: what refuses to start says why and ends with status 1."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line. Needs the extra `server`; an agent alone has `farwatch-agent`."""
    try:
        from control_plane.cli import farwatch  # noqa: PLC0415 - the agent's install has not what this imports
        from control_plane.errors import StartupRefused  # noqa: PLC0415
    except ModuleNotFoundError as error:
        sys.exit(f"farwatch: {error.name} is missing. Install the control plane with: pip install 'farwatch[server]'")
    try:
        farwatch()
    except StartupRefused as refusal:
        print(f"farwatch: {refusal}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
