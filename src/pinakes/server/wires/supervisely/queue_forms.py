"""What clients send of queues and jobs, made into the inputs of room `labeling`; and the words that states have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import ConfigDict, Field

from pinakes.server.errors import Invalid
from pinakes.server.labeling.queue_types import ItemTag, Places, QueueSettings
from pinakes.server.wires.supervisely.calls import Form
from pinakes.server.wires.supervisely.values import Id

# The state of an item in a queue, and what it is called here; an item in the pool has none (null).
WORDS: dict[str | None, str | None] = {
    None: None,
    "held": "none",
    "skipped": "none",
    "done": "done",
    "checked": "quality_check_accepted",
    "accepted": "accepted",
    "rejected": "rejected",
}
REVIEW_STATUSES = tuple(dict.fromkeys(word for word in WORDS.values() if word is not None))


class TagCondition(Form):
    """A tag that items have to have, or must not have."""

    name: str
    positive: bool = True


class Range(Form):
    """From which to which item, counted from 1."""

    start: int | None = None
    end: int | None = None


class Named(Form):
    """A class or a tag, as they come out again."""

    name: str | None = None
    title: str | None = None


class WorkMeta(Form):
    """What is asked of labelers; what it has no field for is kept as it came."""

    model_config = ConfigDict(extra="allow")

    classes: list[str | Named] = Field(default_factory=list[str | Named])
    project_tags: list[str | Named] = Field(default_factory=list[str | Named])
    image_tags: list[TagCondition] = Field(default_factory=list[TagCondition])
    image_figures_limit: int | None = None
    image_tags_limit: int | None = None
    dynamic_classes: bool | None = None
    dynamic_tags: bool | None = None
    hide_figure_author: bool | None = None
    enable_intermediate_review: bool | None = None
    entity_ids: list[Id] | None = None
    range: Range | None = None

    @property
    def item_ids(self) -> list[int] | None:
        """The only items that count; None where all do."""
        return self.entity_ids or None

    @property
    def places(self) -> Places | None:
        """The only places of the source that count; None where all do."""
        if self.range is None or (self.range.start is None and self.range.end is None):
            return None
        return Places(1 if self.range.start is None else self.range.start, self.range.end)

    def settings(self, queue: QueueMeta | None = None) -> QueueSettings:
        """What room `labeling` takes."""
        extras = dict(self.model_extra or {})
        if self.range is not None and self.places is not None:
            extras["range"] = {"start": self.range.start, "end": self.range.end}
        return QueueSettings(
            classes=_names(self.classes),
            tags=_names(self.project_tags),
            item_tags=[ItemTag(tag.name, tag.positive) for tag in self.image_tags],
            figures_limit=self.image_figures_limit or 0,
            tags_limit=self.image_tags_limit or 0,
            dynamic_classes=bool(self.dynamic_classes),
            dynamic_tags=bool(self.dynamic_tags),
            hide_author=bool(self.hide_figure_author),
            review_own=bool(queue and queue.review_own_annotations_available),
            keep_open_on_empty=bool(queue and queue.skip_complete_annotation_job_on_empty),
            quality_check=bool(self.enable_intermediate_review),
            extras=extras,
        )


class QueueMeta(Form):
    """How a queue is run."""

    review_own_annotations_available: bool | None = None
    skip_complete_annotation_job_on_empty: bool | None = None


def state_of(word: str | None) -> list[str | None]:
    """Return the states that a word of this API stands for.

    Raises:
        Invalid: there is no such word.
    """
    wanted = None if word == "null" else word
    found = [state for state, known in WORDS.items() if known == wanted]
    if not found:
        message = f"entityStatus: it is null or one of {', '.join(REVIEW_STATUSES)}, not {str(word)[:50]!r}."
        raise Invalid(message, field="entityStatus")
    return found


def _names(values: Sequence[str | Named]) -> list[str]:
    found: list[str] = []
    for value in values:
        name = value if isinstance(value, str) else value.name or value.title
        if not name:
            message = "meta: a class or a tag has a name."
            raise Invalid(message, field="meta")
        found.append(name)
    return found


def meta_json(settings: QueueSettings, item_ids: Sequence[int] | None = None) -> dict[str, Any]:
    """What is asked of labelers, as it is sent: names go in as words and come out as objects; `range` is never null."""
    extras = dict(settings.extras)
    found: dict[str, Any] = {
        "range": {"start": None, "end": None},
        **extras,
        "classes": [{"name": name, "title": name} for name in settings.classes],
        "projectTags": [{"name": name, "title": name} for name in settings.tags],
        "imageTags": [{"name": tag.name, "positive": tag.positive} for tag in settings.item_tags],
        "imageFiguresLimit": settings.figures_limit,
        "imageTagsLimit": settings.tags_limit,
        "dynamicClasses": settings.dynamic_classes,
        "dynamicTags": settings.dynamic_tags,
        "hideFigureAuthor": settings.hide_author,
        "enableIntermediateReview": settings.quality_check,
    }
    if item_ids is not None:
        found["entityIds"] = list(item_ids)
    return found
