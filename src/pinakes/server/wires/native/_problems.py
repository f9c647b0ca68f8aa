"""What a value that does not have its form is told: which input it is, as its caller spelled it, and what is right.

pydantic names the forms that it tried in between (`items.0.item.constrained-int`, `items.0.item.ItemAddress.kind`), and
complains of each. Here a name is dropped that the caller did not write, and of forms that failed the one is told about
that what was sent comes nearest to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

_OBJECT = frozenset({"model_type", "model_attributes_type", "dict_type"})
_BEGINNING = "Input should be "


@dataclass(frozen=True, slots=True)
class Problem:
    """One input, and what is wrong with it."""

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class _Found:
    """One complaint: where, whether other forms were possible there, whether the very type is wrong, and its words."""

    path: tuple[str | int, ...]
    one_of_many: bool
    of_type: bool
    message: str


def told(errors: Iterable[Mapping[str, Any]], sent: object) -> list[Problem]:
    """Say what is wrong with an input, once for each place of it.

    Args:
        errors: What pydantic says; their `loc` counts from `sent`.
        sent: What came, decoded.
    """
    found = [_found(error, sent) for error in errors]
    deep = [one for one in found if not (one.one_of_many and any(_goes_deeper(one, other) for other in found))]
    places: dict[tuple[str | int, ...], list[_Found]] = {}
    for one in deep:
        places.setdefault(one.path, []).append(one)
    return [Problem(".".join(map(str, path)), _together(there)) for path, there in places.items()]


def message(error: Mapping[str, Any]) -> str:
    """Say what is wrong with a value, in one sentence."""
    kind, context = error["type"], error.get("ctx", {})
    if kind == "missing":
        return "This is required."
    if kind == "extra_forbidden":
        return "There is no such field here."
    if kind in _OBJECT:
        return f"{_BEGINNING}an object."
    if kind == "too_long" and isinstance(error.get("input"), str):
        return f"This has at most {context['max_length']} characters."
    if kind == "too_short" and isinstance(error.get("input"), str):
        return f"This has at least {context['min_length']} characters."
    text = str(error["msg"]).removeprefix("Value error, ")
    return text if text.endswith(".") else f"{text}."


def _found(error: Mapping[str, Any], sent: object) -> _Found:
    location = cast("Sequence[str | int]", error["loc"])
    path: list[str | int] = []
    for at, part in enumerate(location):
        if isinstance(sent, dict) and part in sent:
            sent = cast("dict[str | int, object]", sent)[part]
        elif isinstance(sent, list) and isinstance(part, int) and part < len(cast("list[object]", sent)):
            sent = cast("list[object]", sent)[part]
        elif error["type"] != "missing" or at + 1 < len(location):
            continue
        path.append(part)
    return _Found(tuple(path), len(path) < len(location), str(error["type"]).endswith("_type"), message(error))


def _goes_deeper(one: _Found, other: _Found) -> bool:
    return len(other.path) > len(one.path) and other.path[: len(one.path)] == one.path


def _together(there: Sequence[_Found]) -> str:
    """Say what would be right where several forms are: of those whose type fits or, when none does, of all."""
    nearest = [one for one in there if not one.of_type] or there
    first, *others = dict.fromkeys(one.message for one in nearest)
    return " or ".join([first.rstrip("."), *(text.removeprefix(_BEGINNING).rstrip(".") for text in others)]) + "."
