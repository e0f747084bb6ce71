"""What somebody reads in a browser where a program would be told an error: what, why, and what now."""

from __future__ import annotations

from aiohttp import web

from control_plane.errors import FarwatchError
from control_plane.public_site.rendering import page

_SAID = {
    404: ("Nothing here", "There is no page at this address. Check it for typing errors, or begin at the start page."),
    405: ("Not this way", "This address is there for something else than to be looked at."),
    429: (
        "Too many at once",
        "There were too many requests from your address. Wait a moment, and load the page again.",
    ),
    503: ("Not available just now", "The page cannot be read at the moment. Load it again in a minute."),
}
_OURS = ("Something went wrong", "That is our mistake, and it is written down. Load the page again in a minute.")
_REFUSED = ("This cannot be shown", "The request was refused. Go back and try again.")


def error_page(error: FarwatchError, trace_id: str) -> web.Response:
    """The page of an error. It repeats nothing of what was asked."""
    title, text = _SAID.get(error.status, _OURS if error.status >= 500 else _REFUSED)
    known = trace_id if error.status >= 500 else ""
    return page("error.html", status=error.status, title=title, text=text, status_code=error.status, trace_id=known)
