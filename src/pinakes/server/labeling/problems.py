"""What the database found wrong with labels, as the error that says where in the call it stands."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from pinakes.server.db import IntegrityError, violated
from pinakes.server.errors import Conflict, Invalid

# A class, tag or object that was there when it was looked for, and is gone when it is written.
_GONE = frozenset({"figures_class_fkey", "figures_object_fkey", "label_objects_class_fkey", "tagged_tag_fkey"})


class Places:
    """Where the labels and tags of a call stand, so that what is wrong with one can be named."""

    def __init__(self) -> None:
        """Begin with none."""
        self.labels: list[str] = []
        self.tags: list[str] = []


@contextmanager
def still_there() -> Generator[None]:
    """Say so when a class, a tag or an object was removed by somebody else at the same moment.

    Raises:
        Conflict: it was; nothing is done, and trying again says what is missing.
    """
    try:
        yield
    except IntegrityError as error:
        if violated(error) not in _GONE:
            raise
        message = "A class, a tag or an object of this was removed at the same moment; try again."
        raise Conflict(message) from error


def told(problem: str, place: int, said: Mapping[str, Any], places: Places) -> Invalid:
    """Build the error for what is wrong with a label or a tag; `place` is its number among those of the call."""
    if problem in {"tag", "value"}:
        field = places.tags[place]
        return _tag(said, f"{field}.name") if problem == "tag" else _value(said, f"{field}.value")
    field = places.labels[place]
    if problem == "object":
        message = f"There is no object {said['object_id']} of that item."
        return Invalid(message, field=f"{field}.object_id")
    if problem == "shape":
        message = f"The class {said['class']!r} is of shape {said['shape']}, not {said['type']}."
        return Invalid(message, field=f"{field}.geometry_type")
    called = repr(said["class"]) if said["class"] is not None else f"with the number {said['class_id']}"
    message = f"The project has no class {called}."
    return Invalid(message, field=f"{field}.class", details={"class": said["class"] or said["class_id"]})


def _tag(said: Mapping[str, Any], field: str) -> Invalid:
    called = repr(said["tag"]) if said["tag"] is not None else f"with the number {said['tag_id']}"
    message = f"The project has no tag {called}."
    return Invalid(message, field=field, details={"tag": said["tag"] or said["tag_id"]})


def _value(said: Mapping[str, Any], field: str) -> Invalid:
    wanted = {
        "none": "no value",
        "any_number": "a number",
        "any_string": "a text",
        "date": "a date, as text",
        "oneof_string": f"one of: {', '.join(_some(said['choices'] or []))}",
    }[said["type"]]
    return Invalid(f"The tag {said['tag']!r} takes {wanted}.", field=field, details={"tag": said["tag"]})


def _some(choices: Sequence[str], most: int = 20) -> list[str]:
    return [*choices[:most], "…"] if len(choices) > most else list(choices)
