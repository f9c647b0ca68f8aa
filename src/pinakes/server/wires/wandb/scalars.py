"""The scalars of this API, and JSON that travels as text."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any, NewType

import orjson
import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

from pinakes.server.errors import Invalid

INT8 = range(-(2**63), 2**63)

JSONString = NewType("JSONString", str)
JSON = NewType("JSON", object)
DateTime = NewType("DateTime", datetime)
Int64 = NewType("Int64", int)
Duration = NewType("Duration", float)


def text_of(value: object) -> JSONString:
    """Write a JSON value as the text that `JSONString` fields carry."""
    return JSONString(orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode())


def value_of(text: str | None, field: str) -> Any:  # noqa: ANN401 - any JSON
    """Read the JSON of a `JSONString`; None for none.

    Raises:
        Invalid: it is no JSON, or holds characters that can't be kept.
    """
    if text is None:
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        message = f"{field} is not valid JSON: {error}."
        raise Invalid(message, field=field) from error


def object_of(text: str | None, field: str) -> dict[str, Any] | None:
    """Read the JSON object of a `JSONString`; None for none.

    Raises:
        Invalid: it is no JSON object.
    """
    value = value_of(text, field)
    if value is not None and not isinstance(value, dict):
        message = f"{field} must be a JSON object."
        raise Invalid(message, field=field)
    return value


def moment(value: datetime) -> str:
    """Write a time as clients expect it: to the second, in UTC, with a `Z`."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _text(value: object) -> str:
    if not isinstance(value, str):
        message = "A JSONString is JSON written as a string."
        raise GraphQLError(message)
    return value


def _moment(value: object) -> datetime:
    try:
        return datetime.fromisoformat(_text(value))
    except ValueError as error:
        message = "A DateTime looks like 2026-11-20T20:40:00Z."
        raise GraphQLError(message) from error


def _integer(value: object) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value not in INT8:
        message = "An Int64 is a whole number of 64 bits."
        raise GraphQLError(message)
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        message = "A Duration is a number."
        raise GraphQLError(message)
    return value


def _same(value: Any) -> Any:  # noqa: ANN401 - a value that is in its form already
    return value


# What each of the types above is on the wire.
SCALARS: dict[object, ScalarDefinition] = {
    JSONString: strawberry.scalar(name="JSONString", serialize=_same, parse_value=_text),
    JSON: strawberry.scalar(name="JSON", serialize=_same, parse_value=_same),
    DateTime: strawberry.scalar(name="DateTime", serialize=moment, parse_value=_moment),
    Int64: strawberry.scalar(name="Int64", serialize=_same, parse_value=_integer),
    Duration: strawberry.scalar(name="Duration", serialize=_same, parse_value=_number),
}
