"""The log: one event per line on stderr, as JSON or for a reader at a terminal; each line knows its request."""

from __future__ import annotations

import datetime as dt
import logging
import os
import sys
from collections.abc import MutableMapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import orjson
import structlog

from pinakes.server.settings import Settings

log = structlog.get_logger("pinakes.requests")

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")


_STDERR = 2


@dataclass(slots=True)
class _Quick:
    """Whether this process logs JSON, for `access`, and from which level on."""

    on: bool = False
    level: int = logging.INFO


_quick = _Quick()


def configure(settings: Settings) -> None:
    """Set up the log of this process."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    pretty = settings.log_format == "console" or (settings.log_format == "auto" and sys.stderr.isatty())
    shared: list[Any] = [
        structlog.stdlib.add_log_level if pretty else _add_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_request,
    ]
    renderer = structlog.dev.ConsoleRenderer() if pretty else structlog.processors.JSONRenderer(serializer=_dump)
    structlog.configure(
        processors=[*shared, *([] if pretty else [structlog.processors.format_exc_info]), renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    _route_standard_library(shared, renderer, level)
    _quick.on, _quick.level = not pretty, level


def access(method: str, path: str, status: int, seconds: float) -> None:
    """Log a request. It happens so often that a line of JSON is written without going through every processor."""
    milliseconds = round(seconds * 1000, 2)
    if not _quick.on:
        log.info("request", method=method, path=path, status=status, ms=milliseconds)
        return
    if _quick.level > logging.INFO:
        return
    line = {
        "event": "request",
        "level": "info",
        "timestamp": dt.datetime.now(dt.UTC),
        "request_id": REQUEST_ID.get(),
        "method": method,
        "path": path,
        "status": status,
        "ms": milliseconds,
    }
    os.write(_STDERR, orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))


def _route_standard_library(shared: list[Any], renderer: Any, level: int) -> None:  # noqa: ANN401 - a structlog processor
    """Give what libraries log the same form; from them, warnings are enough unless we debug."""
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            renderer,
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level if level <= logging.DEBUG else max(level, logging.WARNING))


def _add_level(_: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event["level"] = method
    return event


def _add_request(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    request_id = REQUEST_ID.get()
    if request_id:
        event.setdefault("request_id", request_id)
    return event


def _dump(event: object, **_: object) -> str:
    return orjson.dumps(event, default=str).decode()
