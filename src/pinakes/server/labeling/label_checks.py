"""What may be said in labels; every refusal names the field, and says where in the call it stands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from pinakes.server.errors import Invalid
from pinakes.server.labeling import geometry
from pinakes.server.labeling.label_types import (
    APPLIES_TO,
    TARGETS,
    VALUE_TYPES,
    Figure,
    FigureChanges,
    NewClass,
    NewLabel,
    NewTag,
    NewTagging,
)

LAST_ID = 2**31 - 1
LONGEST_NAME = 255
LONGEST_TEXT = 10_000
LARGEST_JSON = 1024 * 1024
LARGEST_CALL = 128 * 1024 * 1024
MOST_IN_PROJECT = 10_000
MOST_CHOICES = 10_000
MOST_LABELS = 20_000
MOST_TAGS = 1_000
MOST = 100_000

_COLOR = re.compile(r"#[0-9A-Fa-f]{6}")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_SHAPES = frozenset(geometry.TYPES)
_INT8 = range(-(2**63), 2**63)
_PALETTE = ("#E6194B", "#3CB44B", "#FFB000", "#4363D8", "#F58231", "#911EB4", "#42B6C8", "#F032E6", "#9A6324")


def name(value: str, field: str) -> str:
    """Return the name of a class or tag: one line, as it was given, without blanks around it."""
    value = value.strip()
    if not 1 <= len(value) <= LONGEST_NAME or _UNPRINTABLE.search(value) or "\n" in value:
        message = f"A name has 1 to {LONGEST_NAME} characters, on one line."
        raise Invalid(message, field=field)
    return value


def text(value: str, field: str, longest: int = LONGEST_TEXT) -> str:
    """Return a text as it is, if it can be kept."""
    if len(value) > longest or _UNPRINTABLE.search(value):
        message = f"At most {longest} characters, no control characters or broken Unicode."
        raise Invalid(message, field=field)
    return value


def color(value: str | None, field: str, at: int = 0) -> str:
    """Return a colour; where none was given, one of our own that goes with the place in the list."""
    if value is None:
        return _PALETTE[at % len(_PALETTE)]
    if not _COLOR.fullmatch(value):
        message = f"A colour is #RRGGBB, not {value[:20]!r}."
        raise Invalid(message, field=field)
    return value


def shape(value: str, field: str) -> str:
    """Return the name of a shape: a type of geometry, or `any`."""
    if value not in _SHAPES:
        message = f"A shape is one of: {', '.join(geometry.TYPES)}; not {value[:50]!r}."
        raise Invalid(message, field=field)
    return value


def one_of(value: str, allowed: Sequence[str], field: str) -> str:
    """Return a word that is one of those that are known."""
    if value not in allowed:
        message = f"It is one of: {', '.join(allowed)}."
        raise Invalid(message, field=field)
    return value


def choices(value_type: str, values: Sequence[str] | None, field: str) -> list[str] | None:
    """Return the values that a tag can have, for one that has one value of several; None for any other."""
    if value_type != "oneof_string":
        return None
    found = list(dict.fromkeys(text(value, field, LONGEST_NAME) for value in values or ()))
    if not 1 <= len(found) <= MOST_CHOICES:
        message = f"A tag with one value of several needs 1 to {MOST_CHOICES} values."
        raise Invalid(message, field=field)
    return found


def label_class(value: NewClass, at: int, field: str = "classes", *, shaped: bool = True) -> dict[str, object]:
    """Return a new class as a row of a call.

    Args:
        value: The class.
        at: Its place among those of the call.
        field: What those are called.
        shaped: Its shape is a new one; one that stays is not looked at again: it may be older than our rules.
    """
    place = f"{field}[{at}]"
    return {
        "id": value.id if _is_id(value.id) else None,
        "name": name(value.name, f"{place}.name"),
        "shape": shape(value.shape, f"{place}.shape") if shaped else value.shape,
        "color": color(value.color, f"{place}.color", at),
        "description": text(value.description, f"{place}.description"),
        "hotkey": text(value.hotkey, f"{place}.hotkey", LONGEST_NAME),
        "geometry_config": json_object(value.geometry_config, f"{place}.geometry_config"),
        "settings": json_object(value.settings, f"{place}.settings"),
    }


def label_tag(value: NewTag, at: int, field: str = "tags") -> dict[str, object]:
    """Return a new tag as a row of a call."""
    place = f"{field}[{at}]"
    value_type = one_of(value.value_type, VALUE_TYPES, f"{place}.value_type")
    return {
        "id": value.id if _is_id(value.id) else None,
        "name": name(value.name, f"{place}.name"),
        "value_type": value_type,
        "choices": choices(value_type, value.choices, f"{place}.choices"),
        "color": color(value.color, f"{place}.color", at),
        "hotkey": text(value.hotkey, f"{place}.hotkey", LONGEST_NAME),
        "applies_to": one_of(value.applies_to, APPLIES_TO, f"{place}.applies_to"),
        "targets": one_of(value.targets, TARGETS, f"{place}.targets"),
        "classes": names(value.classes, f"{place}.classes"),
    }


def names(values: Sequence[str], field: str) -> list[str]:
    """Return names, each once."""
    return list(dict.fromkeys(name(value, field) for value in values))


def different(rows: Sequence[Mapping[str, object]], field: str) -> None:
    """Refuse two of one name. Case counts: `Car` and `car` are two."""
    seen: set[object] = set()
    for at, row in enumerate(rows):
        if row["name"] in seen:
            message = f"The name {row['name']!r} is there twice."
            raise Invalid(message, field=f"{field}[{at}].name")
        seen.add(row["name"])


def json_object(value: Mapping[str, Any], field: str, largest: int = LARGEST_JSON) -> dict[str, Any]:
    """Return a JSON object that can be kept and read again.

    Raises:
        Invalid: it is no object, too large or too deep, or has numbers or characters that JSON can't carry.
    """
    if not isinstance(value, dict):
        message = "It has to be a JSON object."
        raise Invalid(message, field=field)
    shallow(value, field)
    if len(written(value, field)) > largest:
        message = f"It is larger than {largest // 1024} KiB."
        raise Invalid(message, field=field)
    return value


def written(value: object, field: str) -> bytes:
    """Return a value as JSON, of which the database can keep all."""
    try:
        plain = json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        message = "It has to be JSON: finite numbers, whole Unicode, no more than that."
        raise Invalid(message, field=field) from error
    if b"\\u0000" in plain and _NUL.search(plain):
        message = "No NUL characters, please."
        raise Invalid(message, field=field)
    return plain


def shallow(value: object, field: str) -> None:
    """Refuse what is nested deeper than readers can follow, and whole numbers of more than eight bytes."""
    level: list[Any] = [value]
    for _ in range(geometry.DEEPEST):
        below: list[Any] = []
        for holder in level:
            inside = holder.values() if isinstance(holder, dict) else holder if isinstance(holder, list) else (holder,)
            for one in inside:
                kind = type(one)
                if kind is dict or kind is list:
                    below.append(one)
                elif kind is int and one not in _INT8:
                    message = "A whole number has at most eight bytes."
                    raise Invalid(message, field=field)
        if not below:
            return
        level = below
    message = f"It is nested deeper than {geometry.DEEPEST} levels."
    raise Invalid(message, field=field)


def label(value: NewLabel, n: int, item_id: int, place: str, *, drawn: bool = True) -> dict[str, object]:
    """Return a label as the database takes it.

    Args:
        value: The label.
        n: Its place among those of the call.
        item_id: What it is on.
        place: Where it stands in the call.
        drawn: Its geometry is a new one; one that stays is not looked at again: it may be older than our rules.
    """
    if drawn:
        _check_geometry(value, place)
    if not (value.class_name or value.class_id or value.object_id):
        message = "A label has a class, by name or number, or an object."
        raise Invalid(message, field=f"{place}.class")
    form = value.geometry if drawn else None
    row: dict[str, object] = {"n": n, "item": item_id, "type": value.geometry_type, "geometry": form}
    if value.object_id is not None:
        row["object_id"] = number(value.object_id, f"{place}.object_id")
    if value.class_name:
        row["class"] = value.class_name
    elif value.class_id is not None:
        row["class_id"] = number(value.class_id, f"{place}.class_id")
    return row | _rest_of(value, place)


def _check_geometry(value: NewLabel, place: str) -> None:
    if value.geometry is not None:
        if not isinstance(value.geometry, dict):
            message = "A geometry is a JSON object."
            raise Invalid(message, field=f"{place}.geometry")
        shallow(value.geometry, f"{place}.geometry")
    kind = shape(value.geometry_type, f"{place}.geometry_type")
    geometry.check(kind, value.geometry, f"{place}.geometry")


def _rest_of(value: NewLabel, place: str) -> dict[str, object]:
    """Return what of a label few labels have; what is left out is as usual."""
    row: dict[str, object] = {}
    for key, given in (("frame", value.frame), ("priority", value.priority)):
        if given is not None:
            row[key] = number(given, f"{place}.{key}")
    if value.id is not None and _is_id(value.id):
        row["id"] = value.id
    if value.description:
        row["description"] = text(value.description, f"{place}.description")
    if value.meta:
        row["meta"] = json_object(dict(value.meta), f"{place}.meta")
    if value.extras:
        row["extras"] = json_object(dict(value.extras), f"{place}.extras")
    if value.track_id is not None:
        row["track"] = text(value.track_id, f"{place}.track_id", LONGEST_NAME)
    if value.nn_created:
        row["nn_created"] = True
    if value.nn_updated:
        row["nn_updated"] = True
    return row


def frame_of(value: NewLabel | FigureChanges | Figure) -> int | None:
    """Return the frame of a video that a label or a figure is of, if it is of one."""
    frame = value.frame if value.frame is not None else (value.meta or {}).get("frame")
    return frame if isinstance(frame, int) and not isinstance(frame, bool) else None


def within(frame: int, length: int | None, place: str) -> None:
    """Refuse a frame that a video does not have, as far as it is known how long it is.

    The labeling client takes the number of its frames for one of them too, and so does this.

    Raises:
        Invalid: (field `frame`) the video ends before.
    """
    if length is not None and frame > length:
        message = f"The video has {length:,} frames; there is no frame {frame:,}."
        raise Invalid(message, field=f"{place}.frame")


def tagging(value: NewTagging, k: int, owner: int, place: str) -> dict[str, object]:
    """Return a tag as the database takes it; `k`: its place in the call, `owner`: what it stands on (-1: the item)."""
    row: dict[str, object] = {"k": k, "l": owner, "value": tag_value(value.value, f"{place}.value")}
    if value.name:
        row["name"] = value.name
    elif value.tag_id is not None:
        row["tag_id"] = number(value.tag_id, f"{place}.tag_id")
    else:
        message = "A tag has a name, or a number."
        raise Invalid(message, field=f"{place}.name")
    return row | frames(value.frame_from, value.frame_to, place) | extras(value.extras, place)


def frames(first: int | None, last: int | None, place: str) -> dict[str, object]:
    """Return the frames that a tag holds for."""
    if first is None and last is None:
        return {}
    if first is None or last is None or not 0 <= first <= last <= LAST_ID:
        message = "Frames are two numbers from 0 on, the first no larger than the last."
        raise Invalid(message, field=f"{place}.frames")
    return {"frame_from": first, "frame_to": last}


def extras(value: Mapping[str, Any], place: str) -> dict[str, object]:
    """Return what else a client says of a tag."""
    return {"extras": json_object(dict(value), f"{place}.extras")} if value else {}


def tag_value(value: object, field: str) -> object:
    """Return the value of a tag: a text, a number, or nothing. Whether it fits its tag, the database says."""
    if isinstance(value, str):
        return text(value, field)
    if isinstance(value, datetime | date):
        return value.isoformat()
    fits = value is None or isinstance(value, float) or (isinstance(value, int) and value in _INT8)
    if not fits or isinstance(value, bool):
        message = "The value of a tag is a text or a number, or null."
        raise Invalid(message, field=field)
    return value


def number(value: int, field: str) -> int:
    """Return a whole number that a column of four bytes takes."""
    if isinstance(value, bool) or not -LAST_ID <= value <= LAST_ID:
        message = f"It is a whole number of at most {LAST_ID}."
        raise Invalid(message, field=field)
    return value


def ids(values: Iterable[int]) -> list[int]:
    """Return those of some numbers that can be ids, each once, in their order: no others exist."""
    return [value for value in dict.fromkeys(values) if _is_id(value)]


def limit(value: int, most: int = MOST) -> int:
    """Return how many rows a page shall have."""
    if not 1 <= value <= most:
        message = f"limit must be 1 to {most}."
        raise Invalid(message, field="limit")
    return value


def _is_id(value: int | None) -> bool:
    return value is not None and not isinstance(value, bool) and 0 < value <= LAST_ID
