"""The kinds of check and their parameters: one file a kind, one union, one table.

To add a kind: `shared/checks/<kind>.py` (its parameters), a line in `Check` and `CHECKS` here, and
`agent/checks/<kind>.py` (its work) with its line in the agent's table.
"""

from __future__ import annotations

from typing import Literal

from shared.checks.http import HttpCheck

Check = HttpCheck
"""The union of all kinds, told apart by `type`."""

CHECKS: dict[str, type[HttpCheck]] = {"http": HttpCheck}


class CheckTextRefused(ValueError):  # noqa: N818 - a refusal, like those of netpolicy
    """A string that expands to no check."""

    def __init__(self, code: Literal["INVALID_URL_SCHEME", "INVALID_URL_FORMAT"], message: str) -> None:
        super().__init__(message)
        self.code = code


def expand(text: str) -> Check:
    """The check that a string stands for, by its scheme. Its own grammar is not judged here.

    Raises CheckTextRefused: INVALID_URL_FORMAT without a scheme, INVALID_URL_SCHEME with one that is no kind's.
    """
    scheme, colon, _ = text.partition(":")
    match scheme.lower():
        case "http" | "https" if colon:
            return HttpCheck(url=text)
        case "tcp" | "dns" | "ping" | "tls" | "domain" if colon:
            raise CheckTextRefused(
                "INVALID_URL_SCHEME", f"checks written {scheme.lower()}:// are not known to this version; use https://"
            )
        case name if colon and name.replace("+", "").replace("-", "").isalnum() and name.isascii():
            raise CheckTextRefused("INVALID_URL_SCHEME", "the scheme is no check's; write https://example.com/")
        case _:
            raise CheckTextRefused("INVALID_URL_FORMAT", "a check as a string is a URL, like https://example.com/")
