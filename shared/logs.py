"""Structured logs of both programs: JSON for machines, colour for people, secrets for nobody."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_SECRET_NAMES = (
    "secret",
    "password",
    "authorization",
    "api_key",
    "x-api-key",
    "token",
    "cookie",
    "pepper",
    "sealing_keys",
    "credential",
    "dsn",
)
_MASK = "***"


def configure_logs(*, level: str, format: str) -> None:  # noqa: A002 (the setting's name)
    """Set up structlog for the process. `format` is auto, json or console; `level` a name of the logging module."""
    as_json = format == "json" or (format == "auto" and not sys.stderr.isatty())
    renderer: Any = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            redact,
            *([structlog.processors.format_exc_info] if as_json else []),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Mask values whose name says that they are secret, also inside mappings and lists."""
    for name in event:
        event[name] = _MASK if _is_secret(name) else _masked(event[name])
    return event


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _MASK if _is_secret(str(key)) else _masked(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(item) for item in value]
    return value


def _is_secret(name: str) -> bool:
    lowered = name.lower()
    return any(part in lowered for part in _SECRET_NAMES)
