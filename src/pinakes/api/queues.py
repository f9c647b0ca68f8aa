"""The contract of labeling work: queues, the jobs of people in them, and the items that go through their hands.

A queue's content is what its collection or dataset holds now. An item waits (`state` is null), is with a labeler
(`held`), on review (`done`, `checked`), `accepted`, `rejected` (back with its labeler), or, in jobs without a queue,
`skipped`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, JsonValue, StringConstraints, model_validator

from pinakes.api.common import MAX_INT4, NO_NUL, STORABLE, AccountName, Answer, Page, Request
from pinakes.api.labels import Annotation, PutAnnotation
from pinakes.api.media import Facts, Id, Ids, Label, LongText, Medium

Status: TypeAlias = Literal["pending", "in_progress", "on_review", "review_completed", "completed", "stopped"]
State: TypeAlias = Literal["held", "done", "checked", "accepted", "rejected", "skipped"]
StateOrWaiting: TypeAlias = Literal["waiting", "held", "done", "checked", "accepted", "rejected", "skipped"]
Part: TypeAlias = Literal["annotate", "review", "check"]

CollectionKey: TypeAlias = Annotated[
    str,
    StringConstraints(max_length=400, pattern=r"^(?:[A-Za-z0-9_-]*-)?[0-9a-fA-F]{24}$"),
    Field(description="A collection's id (24 hex digits), or its slug without the owner."),
]
People: TypeAlias = Annotated[list[AccountName], Field(max_length=500, description="Names of users.")]
Names: TypeAlias = Annotated[list[Label], Field(max_length=1000)]
Comment: TypeAlias = Annotated[
    str, StringConstraints(max_length=2000), STORABLE, Field(json_schema_extra=NO_NUL, description="In your words.")
]
Limit: TypeAlias = Annotated[int, Field(ge=0, le=MAX_INT4, description="How many on one item; 0: any number.")]
Seconds: TypeAlias = Annotated[int, Field(ge=1, le=604_800)]
Overlap: TypeAlias = Annotated[int, Field(ge=1, le=20, description="How many people label each item.")]


# ----------------------------------------------------------------------------------------------------------------------
# Requests
# ----------------------------------------------------------------------------------------------------------------------


class TagCondition(Request):
    """Only items with a tag, or (not `positive`) only those without it."""

    name: Label
    positive: bool = True


class QueueSettings(Request):
    """How a queue works.

    Attributes:
        classes: The classes that its labelers may use; any, where none is named. What others drew may stay.
        tags: The tags that they use.
        figures_limit: How many figures an item may have when they save it or hand it in; 0 for any number.
        tags_limit: How many tags, likewise.
        item_tags: Which items are given out; all conditions must hold.
        dynamic_classes: Classes that are made later count as well; `dynamic_tags` likewise.
        hide_author: Reviewers are not told who labeled; in a public project nor is anybody from outside.
        review_own: A reviewer may get what he labeled himself.
        keep_open_on_empty: A queue over a dataset stays open when all of it is accepted.
        quality_check: A check comes before the review.
        extras: What clients keep there besides.
    """

    classes: Names = Field(default_factory=list[str])
    tags: Names = Field(default_factory=list[str])
    item_tags: Annotated[list[TagCondition], Field(max_length=100)] = Field(default_factory=list[TagCondition])
    figures_limit: Limit = 0
    tags_limit: Limit = 0
    dynamic_classes: bool = False
    dynamic_tags: bool = False
    hide_author: bool = False
    review_own: bool = False
    keep_open_on_empty: bool = False
    quality_check: bool = False
    extras: Facts = Field(default_factory=dict[str, JsonValue])


class CreateQueue(Request):
    """A queue over a collection (a selection) or a dataset; `items` restricts it to these.

    `overlap` may be more than there are labelers: what misses some waits for those who join later.
    """

    name: Label
    collection: CollectionKey | None = None
    dataset: Id | None = None
    labelers: People = Field(default_factory=list[str])
    reviewers: People = Field(default_factory=list[str])
    checkers: People = Field(default_factory=list[str])
    settings: QueueSettings = Field(default_factory=QueueSettings)
    description: LongText = ""
    readme: LongText = ""
    overlap: Overlap = 1
    blind: Annotated[bool, Field(description="Labelers see only their own labels.")] = False
    lease_seconds: Annotated[Seconds, Field(description="How long an item stays with somebody who is silent.")] = 1800
    items: Ids | None = None

    @model_validator(mode="after")
    def _one_source(self) -> CreateQueue:
        if (self.collection is None) == (self.dataset is None):
            message = "give either a collection or a dataset"
            raise ValueError(message)
        return self


class UpdateQueue(Request):
    """New values for a queue; what is left out stays. `settings` are replaced whole."""

    name: Label | None = None
    description: LongText | None = None
    readme: LongText | None = None
    settings: QueueSettings | None = None
    overlap: Overlap | None = None
    blind: bool | None = None
    lease_seconds: Seconds | None = None


class SetStatus(Request):
    """What the status of a queue or a job shall be."""

    status: Status


class AddPeople(Request):
    """Users to take into a queue; who is in it keeps his job."""

    labelers: People = Field(default_factory=list[str])
    reviewers: People = Field(default_factory=list[str])
    checkers: People = Field(default_factory=list[str])


class RemovePeople(Request):
    """Jobs to end; what they hold goes back into the pool."""

    jobs: Ids


class SetPriority(Request):
    """Items to give out earlier (above 0) or later (below) than the rest."""

    items: Ids
    priority: Annotated[int, Field(ge=-1000, le=1000)]


class CreateJobs(Request):
    """Jobs without a queue: items of a dataset, dealt out to the labelers."""

    dataset: Id
    name: Label
    labelers: Annotated[list[AccountName], Field(min_length=1, max_length=500)]
    reviewer: AccountName | None = None
    items: Ids | None = None
    settings: QueueSettings = Field(default_factory=QueueSettings)
    description: LongText = ""
    readme: LongText = ""


class UpdateJob(Request):
    """New values for a job; what is left out stays."""

    name: Label | None = None
    description: LongText | None = None
    readme: LongText | None = None
    labeler: AccountName | None = None
    reviewer: AccountName | None = None
    custom_data: Facts | None = None


class RestartJob(Request):
    """New jobs of the items that were rejected in one; for its labeler, unless others are named."""

    labelers: Annotated[list[AccountName], Field(min_length=1, max_length=500)] | None = None
    reviewer: AccountName | None = None
    complete: Annotated[bool, Field(description="Complete the job itself.")] = False
    name: Label | None = None


class Submit(Request):
    """An item to hand in; with an `annotation`, that is put first: both happen, or neither."""

    annotation: PutAnnotation | None = None


class SubmitMany(Request):
    """Items to hand in, all of them or none."""

    items: Ids


class Skip(Request):
    """An item to hand back; `for_me`: it is not given to the same labeler again."""

    for_me: bool = True
    comment: Comment | None = None


class Judge(Request):
    """Items to accept or to reject, all of them or none."""

    items: Ids
    comment: Comment | None = None


class Reopen(Request):
    """Items to put back: to their labeler (`held`), or onto review (`done`)."""

    items: Ids
    to: Literal["held", "done"]


class PutDraft(Request):
    """What somebody drew and has not handed in: JSON of his tool's own."""

    annotation: Facts


# ----------------------------------------------------------------------------------------------------------------------
# Answers
# ----------------------------------------------------------------------------------------------------------------------


class QueueCounts(Answer):
    """How many of a queue's items are where; `in_progress` are held or rejected, `annotated` on review or accepted."""

    items: int
    pending: int
    in_progress: int
    on_review: int
    annotated: int
    accepted: int
    rejected: int
    skipped: int


class QueuePerson(Answer):
    """Somebody in a queue, and his job there."""

    user: str
    part: Part
    job: int


class Settings(Answer):
    """How a queue works; see `QueueSettings`."""

    classes: list[str]
    tags: list[str]
    item_tags: list[dict[str, Any]]
    figures_limit: int
    tags_limit: int
    dynamic_classes: bool
    dynamic_tags: bool
    hide_author: bool
    review_own: bool
    keep_open_on_empty: bool
    quality_check: bool
    extras: dict[str, Any]


class Queue(Answer):
    """Labeling work over a collection or a dataset.

    Attributes:
        collection: The id of the collection that it is over; `collection_name` is its title.
        counts: Null to those who only work in it.
        people: To those who only work in it, themselves.
    """

    id: int
    account: str
    project: int
    project_name: str
    data_type: str
    collection: str | None = None
    collection_name: str | None = None
    dataset: int | None = None
    dataset_name: str | None = None
    name: str
    description: str
    readme: str
    status: Status
    settings: Settings
    overlap: int
    blind: bool
    lease_seconds: int
    people: list[QueuePerson]
    counts: QueueCounts | None = None
    created_by: str | None = None
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    can: list[str]


class JobCounts(Answer):
    """How many items of a job are where, of those that are in it now."""

    items: int
    held: int
    done: int
    accepted: int
    rejected: int
    finished: int


class Job(Answer):
    """One person's part in a queue; or a list of items that somebody labels, without a queue (`queue` is null)."""

    id: int
    queue: int | None = None
    part: Part
    account: str
    project: int
    project_name: str
    data_type: str
    dataset: int | None = None
    dataset_name: str | None = None
    collection: str | None = None
    name: str
    description: str
    readme: str
    status: Status
    settings: Settings
    user: str | None = None
    reviewer: str | None = None
    custom_data: dict[str, Any]
    disabled: bool
    counts: JobCounts
    created_by: str | None = None
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    archived_at: datetime | None = None


class Task(Answer):
    """An item in somebody's hands: where it stands after a step."""

    queue: int
    item: int
    round: int
    state: State | None = None
    job: int | None = None
    review_job: int | None = None
    lease_until: datetime | None = None
    priority: int
    rejections: int
    comment: str | None = None
    given_at: datetime | None = None
    submitted_at: datetime | None = None
    reviewed_at: datetime | None = None


class Given(Answer):
    """An item that was given to somebody: it is his until `lease_until`; a heartbeat prolongs that."""

    item: int
    round: int
    state: State | None = None
    lease_until: datetime | None = None
    lease_seconds: int


class Next(Answer):
    """What to do next; all null when nothing is left, or the queue is stopped or completed.

    Attributes:
        medium: The item itself.
        annotation: Its labels now.
        draft: What was drawn before and not handed in.
    """

    given: Given | None = None
    medium: Medium | None = None
    annotation: Annotation | None = None
    draft: dict[str, Any] | None = None


class Lease(Answer):
    """Until when an item stays with somebody."""

    lease_until: datetime


class Draft(Answer):
    """What somebody drew and has not handed in."""

    item: int
    annotation: dict[str, Any]
    saved_at: datetime


class QueueItem(Answer):
    """An item of a queue: where it stands, and through whose hands it went. `state` is null while it waits."""

    item: int
    name: str
    kind: str
    dataset: int
    label_count: int
    state: State | None = None
    round: int | None = None
    job: int | None = None
    labeler: str | None = None
    reviewer: str | None = None
    priority: int
    rejections: int
    comment: str | None = None
    given_at: datetime | None = None
    submitted_at: datetime | None = None
    reviewed_at: datetime | None = None
    labeling_seconds: float
    review_seconds: float


class QueueItems(Page[QueueItem]):
    """A page of a queue's items, and how many there are."""

    total: int


class PersonStatistics(Answer):
    """What one person did in a queue, as a labeler and as a reviewer.

    Attributes:
        labeled: What he handed in, `accepted` and `rejected` what stands so now.
        rejections: How often something came back to him.
        reviewed: What he decided on.
    """

    user: str
    labeled: int
    accepted: int
    rejected: int
    rejections: int
    labeling_seconds: float
    reviewed: int
    review_seconds: float


class QueueStatistics(Answer):
    """What a queue came to so far. `agreement`, from 0 to 1, of items that several people labeled."""

    counts: QueueCounts
    rejections: int
    labeling_seconds: float
    review_seconds: float
    people: list[PersonStatistics]
    agreement: float | None = None


class ClassStatistics(Answer):
    """How many labels of a class a job's items have, on how many of them, and how long those items took."""

    id: int
    name: str
    color: str
    shape: str
    items: int
    labels: int
    seconds: float


class TagStatistics(Answer):
    """On how many of a job's items, and on how many of their figures, a tag is."""

    id: int
    name: str
    color: str
    items: int
    figures: int


class JobStatistics(Answer):
    """What a job came to so far."""

    job: Job
    labeling_seconds: float
    review_seconds: float
    classes: list[ClassStatistics]
    tags: list[TagStatistics]


class LogLine(Answer):
    """One step of an item through a queue: what was done, by whom, after how long."""

    item: int
    round: int
    at: datetime
    verb: str
    actor: str | None = None
    job: int | None = None
    seconds: float | None = None
    comment: str | None = None


class ItemAgreement(Answer):
    """How much those who labeled an item agree, from 0 to 1."""

    item: int
    agreement: float
    annotators: int


class Proof(Answer):
    """Who labeled an item and who accepted it, in one queue."""

    item: int
    queue: int
    queue_name: str
    state: State | None = None
    round: int
    labeler: str | None = None
    submitted_at: datetime | None = None
    reviewer: str | None = None
    reviewed_at: datetime | None = None
    present: bool
