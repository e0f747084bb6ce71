"""aiohttp's server with our limits, and our envelope for what its parser refuses."""

from __future__ import annotations

from typing import Any

import structlog
from aiohttp import http_exceptions, web
from aiohttp.web_protocol import RequestHandler

from control_plane.errors import BadRequest, FarwatchError, HeadersTooLarge
from control_plane.web.problems import internal_error, problem_response
from control_plane.web.trace import trace_id_of

LINE_LIMIT = 8190
HEADERS_LIMIT = 100
KEEPALIVE_S = 75
LINGER_S = 2
"""How long what is left of a refused body is read and thrown away, so that the caller sees the refusal."""

_log = structlog.get_logger("farwatch.http")


class EnvelopeHandler(RequestHandler):
    """Speaks for requests that never became one."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 (aiohttp's signature)
    ) -> web.StreamResponse:
        """The response for a request that could not be parsed, or whose handling broke outside our border."""
        if request.writer.output_size > 0:
            raise ConnectionError("the response has begun")
        if status >= 500 and not isinstance(exc, ConnectionError):  # whoever went away is nobody's error
            _log.error("request failed outside the border", exc_info=exc)
        error = _error_of(status, exc)
        trace_id = trace_id_of(request.headers.get("traceparent"))
        response = problem_response(error, trace_id=trace_id, accept=request.headers.get("Accept", ""))
        response.headers["X-Trace-Id"] = trace_id
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Server"] = "farwatch"
        response.force_close()
        return response


class EnvelopeServer(web.Server):
    """Makes an EnvelopeHandler for each connection."""

    def __call__(self) -> RequestHandler:
        return EnvelopeHandler(self, loop=self._loop, **self._kwargs)


class EnvelopeRunner(web.AppRunner):
    """Runs an application behind an EnvelopeServer."""

    __slots__ = ()

    def __init__(self, app: web.Application, *, shutdown_timeout_s: float) -> None:
        super().__init__(
            app,
            access_log=None,
            shutdown_timeout=shutdown_timeout_s,
            keepalive_timeout=KEEPALIVE_S,
            max_line_size=LINE_LIMIT,
            max_field_size=LINE_LIMIT,
            max_headers=HEADERS_LIMIT,
            lingering_time=LINGER_S,
            auto_decompress=False,  # a compressed body is refused, or unpacked under a limit: web/body.py
        )

    async def _make_server(self) -> web.Server:
        plain = await super()._make_server()
        kwargs: dict[str, Any] = plain._kwargs
        return EnvelopeServer(
            plain.request_handler,
            request_factory=plain.request_factory,
            handler_cancellation=plain.handler_cancellation,
            loop=plain._loop,
            **kwargs,
        )


def _error_of(status: int, exc: BaseException | None) -> FarwatchError:
    if isinstance(exc, http_exceptions.LineTooLong):
        return HeadersTooLarge(f"The request line or a header is over {LINE_LIMIT} bytes")
    if isinstance(exc, http_exceptions.BadHttpMessage) and "Too many" in str(exc):
        return HeadersTooLarge(f"There are more than {HEADERS_LIMIT} headers")
    return BadRequest("This is not an HTTP/1.1 request that can be understood") if status < 500 else internal_error()
