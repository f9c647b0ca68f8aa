"""Annotations as plain data: what one was, in the form in which it is sent again; and what became of many."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from pinakes.api.labels import Annotation, AnnotationResult, AnnotationSummary, PutAnnotation
from pinakes.sdk.errors import ConnectionFailed, PinakesError, from_line

AnnotationLike: TypeAlias = Mapping[str, Any] | Annotation | PutAnnotation

# So many refused annotations are named; all are counted.
MOST_REFUSED = 1000

_TAG = ("name", "value", "frame_from", "frame_to", "extras")
_FIGURE = (
    "class_name",
    "geometry_type",
    "geometry",
    "frame",
    "description",
    "meta",
    "extras",
    "track_id",
    "priority",
    "nn_created",
    "nn_updated",
)


def plain(annotation: AnnotationLike, *, of: int) -> dict[str, Any]:
    """Return an annotation as it is sent. One that was read of the same item keeps its figures and objects."""
    if isinstance(annotation, PutAnnotation):
        return annotation.model_dump(mode="json", exclude_unset=True)
    if not isinstance(annotation, Annotation):
        return dict(annotation)
    same = annotation.item == of
    found = annotation.model_dump(mode="json")
    return {
        "description": found["description"],
        "tags": [_tag(tag) for tag in found["tags"]],
        "objects": [] if same else [_object(one) for one in found["objects"]],
        "figures": [_figure(figure, same=same) for figure in found["figures"]],
    }


def _tag(tag: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tag[name] for name in _TAG}


def _object(one: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: one[name] for name in ("class_name", "description", "meta")}
    return {"key": str(one["id"]), **kept, "tags": [_tag(tag) for tag in one["tags"]]}


def _figure(figure: Mapping[str, Any], *, same: bool) -> dict[str, Any]:
    kept = {name: figure[name] for name in _FIGURE}
    kept["tags"] = [_tag(tag) for tag in figure["tags"]]
    if same:
        kept["id"] = figure["id"]
    if figure["object"] is not None:
        kept |= {"object": figure["object"]} if same else {"object_key": str(figure["object"])}
    return kept


class Annotations:
    """What became of many annotations.

    Attributes:
        sent: How many were sent.
        saved: How many were saved.
        refused: How many were not; `problems` names the first thousand of them, by their lines from 1.
    """

    def __init__(self, sent: int) -> None:
        """Begin with none."""
        self.sent: int = sent
        self.saved: int = 0
        self.refused: int = 0
        self.problems: list[AnnotationResult] = []
        self._complete: bool = False

    @property
    def count(self) -> int:
        """How many are settled."""
        return self.saved + self.refused

    def take(self, line: Mapping[str, Any]) -> bool:
        """Take a line of the answer; say whether it is about an annotation.

        Raises:
            PinakesError: It says that the call failed as a whole.
        """
        if "summary" in line:
            told = AnnotationSummary.model_validate(line["summary"])
            self._complete = (told.saved, told.refused) == (self.saved, self.refused)
            return False
        if "outcome" not in line:
            raise from_line(line["error"])
        result = AnnotationResult.model_validate(line)
        if result.outcome == "saved":
            self.saved += 1
            return True
        self.refused += 1
        if len(self.problems) < MOST_REFUSED:
            self.problems.append(result)
        return True

    def checked(self) -> Annotations:
        """Return this; raise when the answer ended before its end.

        Raises:
            ConnectionFailed: It did.
        """
        if not self._complete:
            message = "The connection broke before the end of the answer."
            raise ConnectionFailed(message, code="connection_lost")
        return self

    def first_problem(self) -> PinakesError | None:
        """Return the error of the first annotation that was refused."""
        error = self.problems[0].error if self.problems else None
        return from_line(error.model_dump()) if error is not None else None
