"""A COCO document read: images, or videos, each with its labels.

What stands under the key `pinakes` is what an export wrote beside what COCO can say; a document of somebody else's is
read by what COCO says. Where videos are read, an image that has a `video_id` is a frame of the video of that `id` in
`videos`: its `frame_id` (`frame_index` is understood, too) says which. Annotations of one video with the same
`track_id` or `instance_id` show the same object; one without shows an object of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import cast

from pinakes.server.errors import Invalid
from pinakes.server.labeling import label_checks as checks, masks
from pinakes.server.labeling.coco import KEY
from pinakes.server.labeling.label_types import NewAnnotation, NewLabel, NewTagging

_WHOLE = "document"
_CORNERS = 2
_TRIANGLE = 3


@dataclass(frozen=True, slots=True)
class Track:
    """An object of a video, and the labels that show it, each with its frame."""

    class_name: str
    description: str = ""
    meta: Mapping[str, object] = field(default_factory=dict[str, object])
    tags: list[NewTagging] = field(default_factory=list[NewTagging])
    labels: list[NewLabel] = field(default_factory=list[NewLabel])


@dataclass(frozen=True, slots=True)
class Labeled:
    """An image or a video of a document, and what is on it.

    Attributes:
        file_name: As the document has it: the path of the dataset, `/`, and the name, or the name alone.
        labels: Its labels, each with the name of its class; of a video those that show no object.
        tags: Its tags.
        tracks: The objects of a video.
    """

    file_name: str
    labels: list[NewLabel] = field(default_factory=list[NewLabel])
    tags: list[NewTagging] = field(default_factory=list[NewTagging])
    tracks: list[Track] = field(default_factory=list[Track])

    @property
    def label_count(self) -> int:
        """How many labels are on it."""
        return len(self.labels) + sum(len(track.labels) for track in self.tracks)

    def annotation(self, item_id: int) -> NewAnnotation:
        """Return what is to be put on an item, without objects."""
        return NewAnnotation(item_id, labels=self.labels, tags=self.tags)

    def marks(self) -> Iterator[NewTagging]:
        """Go through all tags, those of labels and objects too."""
        yield from self.tags
        for track in self.tracks:
            yield from track.tags
        for label in (*self.labels, *(label for track in self.tracks for label in track.labels)):
            yield from label.tags


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the labels of an image of a document belong: on an image, or on a frame of the video of that number."""

    owner: Labeled
    video: int | None = None
    frame: int | None = None


def read(document: object, *, videos: bool = False) -> list[Labeled]:
    """Read a document: every image with its labels; with `videos`, every video with those of its frames.

    Raises:
        Invalid: it is no COCO document; the message says which annotation is wrong, and how.
    """
    if not isinstance(document, Mapping):
        raise _bad(_WHOLE, "it must be an object with images, annotations and categories")
    parts = cast("Mapping[str, object]", document)
    names = {_number(each, "id", at): _text(each, "name", at) for at, each in _each(parts, "categories")}
    films = {_number(each, "id", at): _film(each, at) for at, each in _each(parts, "videos")} if videos else {}
    places = {_number(each, "id", at): _place(each, at, films) for at, each in _each(parts, "images")}
    tracks = _Tracks(films)
    for at, each in _each(parts, "tracks") if films else ():
        tracks.add(each, _named(each, names, at), at)
    for at, each in _each(parts, "annotations"):
        place = places.get(_number(each, "image_id", at))
        if place is None:
            raise _bad(at, "image_id names no image of the document")
        found = list(_labels(each, _named(each, names, at), at))
        if place.video is None:
            place.owner.labels.extend(found)
        else:
            found = [replace(label, frame=place.frame) for label in found]
            tracks.labels_of(place.video, each, _named(each, names, at), at).extend(found)
    return [*films.values(), *(place.owner for place in places.values() if place.video is None)]


def shapes(document: object) -> dict[str, tuple[str, str | None]]:
    """Return the classes that a document names, each with its shape ("any" where it says none) and color."""
    parts = cast("Mapping[str, object]", document)
    found: dict[str, tuple[str, str | None]] = {}
    for at, each in _each(parts, "categories"):
        kept = _kept(each)
        shape, color = kept.get("shape"), kept.get("color")
        found[_text(each, "name", at)] = (
            shape if isinstance(shape, str) else "any",
            color if isinstance(color, str) else None,
        )
    return found


class _Tracks:
    """The objects of a document's videos, by what annotations call them; of each class in a video one of a number."""

    def __init__(self, films: Mapping[int, Labeled]) -> None:
        self._films = films
        self._known: dict[tuple[int, int, str], Track] = {}

    def add(self, each: Mapping[str, object], class_name: str, at: str) -> None:
        """Take an object that the document lists, with what is said of it."""
        video = _number(each, "video_id", at)
        if video not in self._films:
            raise _bad(at, "video_id names no video of the document")
        kept = _kept(each)
        meta = kept.get("meta")
        track = Track(
            class_name,
            _description(kept),
            cast("Mapping[str, object]", meta) if isinstance(meta, Mapping) else {},
            _read_tags(kept, at),
        )
        if self._known.setdefault((video, _number(each, "id", at), class_name), track) is track:
            self._films[video].tracks.append(track)

    def labels_of(self, video: int, each: Mapping[str, object], class_name: str, at: str) -> list[NewLabel]:
        """Return the labels of the object that an annotation shows."""
        key = next((key for key in ("track_id", "instance_id") if each.get(key) is not None), None)
        if key is None and KEY in each:
            return self._films[video].labels
        name = None if key is None else (video, _number(each, key, at), class_name)
        if name in self._known:
            return self._known[name].labels
        track = Track(class_name)
        self._films[video].tracks.append(track)
        if name is not None:
            self._known[name] = track
        return track.labels


def _film(each: Mapping[str, object], at: str) -> Labeled:
    key = "file_name" if "name" not in each else "name"
    return Labeled(_text(each, key, at), tags=_read_tags(_kept(each), at))


def _place(each: Mapping[str, object], at: str, films: Mapping[int, Labeled]) -> _Place:
    if not films or each.get("video_id") is None:
        return _Place(Labeled(_text(each, "file_name", at), tags=_read_tags(_kept(each), at)))
    video = _number(each, "video_id", at)
    if video not in films:
        raise _bad(at, "video_id names no video of the document")
    key = "frame_index" if "frame_id" not in each else "frame_id"
    frame = _number(each, key, at)
    if not 0 <= frame <= checks.LAST_ID:
        raise _bad(at, f"{key} counts the frames of a video from 0")
    return _Place(films[video], video, frame)


def _named(each: Mapping[str, object], names: Mapping[int, str], at: str) -> str:
    named = names.get(_number(each, "category_id", at))
    if named is None:
        raise _bad(at, "category_id names no category of the document")
    return named


def _labels(each: Mapping[str, object], class_name: str, at: str) -> Iterator[NewLabel]:
    kept = _kept(each)
    kind, form = kept.get("geometry_type"), kept.get("geometry")
    if isinstance(kind, str) and isinstance(form, Mapping):
        shape = dict(cast("Mapping[str, object]", form))
        tags = _read_tags(kept, at)
        yield NewLabel(kind, shape, class_name=class_name, tags=tags, description=_description(kept))
        return
    outline = each.get("segmentation")
    if isinstance(outline, Mapping):
        bitmap = masks.to_bitmap(masks.of_runs(cast("Mapping[str, object]", outline), at))
        if bitmap is not None:
            yield NewLabel("bitmap", {"bitmap": bitmap}, class_name=class_name)
    elif isinstance(outline, list) and outline:
        for ring in cast("list[object]", outline):
            exterior = _pairs(ring, at)
            yield NewLabel("polygon", {"points": {"exterior": exterior, "interior": []}}, class_name=class_name)
    else:
        yield NewLabel("rectangle", {"points": {"exterior": _corners(each, at), "interior": []}}, class_name=class_name)


def _corners(each: Mapping[str, object], at: str) -> list[list[float]]:
    box = each.get("bbox")
    numbers = _floats(box, at) if isinstance(box, list) else []
    if len(numbers) != 2 * _CORNERS:
        raise _bad(at, "it needs a segmentation or a bbox [x, y, width, height]")
    x, y, width, height = numbers
    return [[x, y], [x + width, y + height]]


def _pairs(ring: object, at: str) -> list[list[float]]:
    numbers = _floats(ring, at) if isinstance(ring, list) else []
    if len(numbers) < 2 * _TRIANGLE or len(numbers) % 2:
        raise _bad(at, "a polygon of a segmentation is a list of at least three pairs [x, y, x, y, ...]")
    return [[numbers[place], numbers[place + 1]] for place in range(0, len(numbers), 2)]


def _floats(values: object, at: str) -> list[float]:
    numbers: list[float] = [
        value for value in cast("list[object]", values) if isinstance(value, int | float) and isfinite(value)
    ]
    if len(numbers) != len(cast("list[object]", values)):
        raise _bad(at, "coordinates are finite numbers")
    return numbers


def _read_tags(kept: Mapping[str, object], at: str) -> list[NewTagging]:
    return [_read_tag(tag, at) for tag in _objects(kept.get("tags"))]


def _read_tag(tag: Mapping[str, object], at: str) -> NewTagging:
    first, last = None, None
    span = tag.get("frames")
    if span is not None:
        numbers = cast("list[object]", span) if isinstance(span, list) else []
        whole = [number for number in numbers if isinstance(number, int) and not isinstance(number, bool)]
        if len(numbers) != 2 or len(whole) != 2:  # noqa: PLR2004 - the first and the last
            raise _bad(at, "the frames of a tag are [first, last]")
        first, last = whole
    return NewTagging(name=_text(tag, "name", at), value=tag.get("value"), frame_from=first, frame_to=last)


def _description(kept: Mapping[str, object]) -> str:
    description = kept.get("description")
    return description if isinstance(description, str) else ""


def _kept(each: Mapping[str, object]) -> Mapping[str, object]:
    kept = each.get(KEY)
    return cast("Mapping[str, object]", kept) if isinstance(kept, Mapping) else {}


def _objects(values: object) -> list[Mapping[str, object]]:
    if not isinstance(values, list):
        return []
    return [cast("Mapping[str, object]", each) for each in cast("list[object]", values) if isinstance(each, Mapping)]


def _each(parts: Mapping[str, object], key: str) -> Iterator[tuple[str, Mapping[str, object]]]:
    values = parts.get(key, [])
    if not isinstance(values, list):
        raise _bad(key, "it must be a list")
    for place, value in enumerate(cast("list[object]", values)):
        at = f"{key}[{place}]"
        if not isinstance(value, Mapping):
            raise _bad(at, "it must be an object")
        yield at, cast("Mapping[str, object]", value)


def _number(each: Mapping[str, object], key: str, at: str) -> int:
    value = each.get(key)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _bad(at, f"{key} must be a whole number")
    return value


def _text(each: Mapping[str, object], key: str, at: str) -> str:
    value = each.get(key)
    if not isinstance(value, str) or not value:
        raise _bad(at, f"{key} must be a text")
    return value


def _bad(at: str, why: str) -> Invalid:
    message = f"This is no COCO document: {at}: {why}."
    return Invalid(message, field=at)
