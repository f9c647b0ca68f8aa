"""What people did in an account, as it is told to who manages it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that somebody did in an account.

    Attributes:
        verb: As the record has it; of the work with items in queues `work.` and the step; of figures `figure.` and what
            was done (created, changed, removed, restored); `tag.attached`: of one tag that is still there.
        figure_id: The figure that it was done to, or that the tag is on; it may be gone.
        class_id: The class of the figure, or of the object that the tag is on.
        seconds: How long an item was with who handed it in or back.
        facts: What the record says of it besides.
    """

    at: datetime
    verb: str
    actor_id: int | None
    actor: str | None
    project_id: int | None
    project: str | None
    dataset_id: int | None
    dataset: str | None
    item_id: int | None
    item: str | None
    class_id: int | None
    label_class: str | None
    figure_id: int | None
    tag_id: int | None
    tag: str | None
    job_id: int | None
    job: str | None
    seconds: float | None
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class DeedRow:
    """A row of a page of deeds: how many there are in all, and one of them; beyond the last page, none."""

    total: int
    at: datetime | None
    verb: str | None
    actor_id: int | None
    actor: str | None
    project_id: int | None
    project: str | None
    dataset_id: int | None
    dataset: str | None
    item_id: int | None
    item: str | None
    class_id: int | None
    label_class: str | None
    figure_id: int | None
    tag_id: int | None
    tag: str | None
    job_id: int | None
    job: str | None
    seconds: float | None
    facts: dict[str, Any] | None
