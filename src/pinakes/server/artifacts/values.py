"""JSON as runs send it: with NaN and infinities, which are no JSON, and with texts that the database can't hold."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import orjson

from pinakes.server.paging import INT8

# How clients of W&B spell what JSON has no number for.
NAN, INFINITE, MINUS_INFINITE = "NaN", "Infinity", "-Infinity"

DEEPEST = 100
# Objects within objects deeper than that are one value of a history, not many.
_DEEPEST_KEY = 5
_LONGEST_KEY = 300

_MARK = "\N{REPLACEMENT CHARACTER}"


def parse(text: str) -> Any:  # noqa: ANN401 - JSON
    """Return the value of a JSON text, in which NaN and infinities may stand.

    Raises:
        ValueError: it is not JSON.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        pass  # Python's own reader takes more, and takes longer
    try:
        return json.loads(text)
    except RecursionError as error:
        message = "it is nested too deeply"
        raise ValueError(message) from error


def storable(value: Any, depth: int = 0) -> Any:  # noqa: ANN401 - JSON
    """Return a JSON value as the database can keep it.

    NaN and infinities become their names, characters that no text can have a replacement, and whole numbers beyond 64
    bits the nearest fraction.

    Raises:
        ValueError: it is nested more than a hundred levels deep, or no JSON at all.
    """
    if depth > DEEPEST:
        message = f"it is nested more than {DEEPEST} levels deep"
        raise ValueError(message)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return text(value)
    if isinstance(value, int):
        return value if value in INT8 else _named(_fraction(value))
    if isinstance(value, float):
        return _named(value)
    if isinstance(value, Mapping):
        members = cast("Mapping[Any, Any]", value).items()
        return {text(str(key)): storable(member, depth + 1) for key, member in members}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [storable(member, depth + 1) for member in cast("Sequence[Any]", value)]
    message = f"a {type(value).__name__} is no JSON"
    raise ValueError(message)


def shown(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a JSON value as the database, and every JSON reader, can take it; None where it is nested too deeply."""
    try:
        return storable(value)
    except ValueError:
        return None


def text(value: str) -> str:
    """Return a text without what the database can't hold: NUL characters and halves of surrogate pairs."""
    if "\0" in value:
        value = value.replace("\0", _MARK)
    try:
        value.encode()
    except UnicodeEncodeError:
        value = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value


def row(line: str) -> dict[str, Any] | None:
    """Return the object that a line of a history holds, or None when it holds none."""
    try:
        found = parse(line)
    except ValueError:
        return None
    return cast("dict[str, Any]", found) if isinstance(found, dict) else None


def leaves(row_: Mapping[str, Any], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Go through the values of a row of history by key; the keys of objects within it have dots between them."""
    for name, value in row_.items():
        key = f"{prefix}{name}"
        if isinstance(value, dict) and value and "_type" not in value and depth < _DEEPEST_KEY:
            yield from leaves(cast("dict[str, Any]", value), f"{key}.", depth + 1)
        elif len(key) <= _LONGEST_KEY:
            yield key, value


def has(row_: Mapping[str, Any], key: str) -> bool:
    """Tell whether a row of history has a key, itself or within objects, that is not null."""
    if row_.get(key) is not None:
        return True
    first, dot, rest = key.partition(".")
    inner = row_.get(first)
    return bool(dot) and isinstance(inner, dict) and has(cast("dict[str, Any]", inner), rest)


def kind(value: Any) -> str:  # noqa: ANN401 - JSON
    """Name the type of a value of a history; of media, as what logged it calls them."""
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "number" if value in {NAN, INFINITE, MINUS_INFINITE} else "string"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, list):
        return "list"
    media = cast("dict[str, Any]", value).get("_type") if isinstance(value, dict) else None
    return text(media)[:_LONGEST_KEY] if isinstance(media, str) else "map"


def _fraction(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _named(value: float) -> float | str:
    if math.isnan(value):
        return NAN
    if math.isinf(value):
        return INFINITE if value > 0 else MINUS_INFINITE
    return value
