"""Every error that a caller can be told of: the closed tree.

    FarwatchError
      BadRequest 400 · Unauthenticated 401 · Forbidden 403 · NotFound 404 · MethodNotAllowed 405 · Timeout 408
      Conflict 409 · PreconditionFailed 412 · TooLarge 413 · UnsupportedMedia 415 · Refused 422 · TooMany 429
      HeadersTooLarge 431 · Unavailable 503

Each concrete error is a status and a stable UPPER_SNAKE code. `web/problems.py` alone turns one into a response. A code
is never given another meaning once published.
"""

from __future__ import annotations

from typing import Any, ClassVar


class FarwatchError(Exception):
    """An expected refusal. `field` is an RFC 6901 JSON Pointer into the request, `details` is context for programs."""

    status: ClassVar[int] = 500
    default_code: ClassVar[str] = "INTERNAL"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        field: str | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.field = field
        self.details = details


class BadRequest(FarwatchError):
    """Malformed, or a field breaks its own rule."""

    status = 400
    default_code = "BAD_REQUEST"


class Unauthenticated(FarwatchError):
    """No credential, or one that we do not know."""

    status = 401
    default_code = "UNAUTHENTICATED"


class Forbidden(FarwatchError):
    """A known caller who may not do this."""

    status = 403
    default_code = "FORBIDDEN"


class NotFound(FarwatchError):
    """Does not exist, or belongs to somebody else: the two are told alike."""

    status = 404
    default_code = "NOT_FOUND"


class MethodNotAllowed(FarwatchError):
    """The path exists, with other methods."""

    status = 405
    default_code = "METHOD_NOT_ALLOWED"


class RequestTimeout(FarwatchError):
    """The request did not arrive in time."""

    status = 408
    default_code = "REQUEST_TIMEOUT"


class Conflict(FarwatchError):
    """The object's present state does not allow it."""

    status = 409
    default_code = "CONFLICT"


class PreconditionFailed(FarwatchError):
    """If-Match names another revision than the stored one."""

    status = 412
    default_code = "PRECONDITION_FAILED"


class TooLarge(FarwatchError):
    """The body is over its limit."""

    status = 413
    default_code = "BODY_TOO_LARGE"


class UnsupportedMedia(FarwatchError):
    """Content-Type or Content-Encoding that this door does not take."""

    status = 415
    default_code = "UNSUPPORTED_MEDIA_TYPE"


class Refused(FarwatchError):
    """Well-formed, and against a policy or a quota."""

    status = 422
    default_code = "REFUSED"


class TooMany(FarwatchError):
    """Over a rate or a count; `retry_after_s` says when to come back."""

    status = 429
    default_code = "RATE_LIMITED"

    def __init__(
        self,
        message: str,
        *,
        retry_after_s: int = 1,
        code: str | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message, code=code, details=details)
        self.retry_after_s = retry_after_s


class HeadersTooLarge(FarwatchError):
    """Request line or headers over 8 KiB a line."""

    status = 431
    default_code = "HEADERS_TOO_LARGE"


class Unavailable(FarwatchError):
    """We cannot now: the database is away, or no agent is there."""

    status = 503
    default_code = "UNAVAILABLE"


class StartupRefused(Exception):
    """The process must not start: a setting, key or schema is wrong. The message says which, and the remedy."""
