"""What queues and jobs are given and answer with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pinakes.server.catalog.media_types import Media
from pinakes.server.labeling.label_types import Annotation

# Of queues and of jobs.
STATUSES = ("pending", "in_progress", "on_review", "review_completed", "completed", "stopped")

# Of an item in a queue; None stands for waiting in the pool, which the database calls `pending`.
STATES = ("held", "done", "checked", "accepted", "rejected", "skipped")

PARTS = ("annotate", "review", "check")

MOST_PEOPLE = 1000
MOST_ITEMS = 200_000
LONGEST_LEASE = 604_800
MOST_ANNOTATORS = 20
PRIORITIES = range(-1000, 1001)


@dataclass(frozen=True, slots=True)
class ItemTag:
    """A condition on items: that they have a tag (`positive`), or that they don't."""

    name: str
    positive: bool = True


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """What the people of a queue are to do.

    Attributes:
        classes: The names of the classes to label; `tags` those of the tags.
        item_tags: Only items for which all of these hold are given out.
        figures_limit: The most figures on an item; `tags_limit` the most tags; 0 for no limit.
        dynamic_classes: Whether classes that are made later belong to it too; `dynamic_tags` likewise.
        hide_author: Whether a reviewer is not to see who labeled.
        review_own: Whether reviewers also get what they labeled themselves.
        keep_open_on_empty: Whether a queue over a dataset stays open when all of it is accepted.
        quality_check: Whether what is handed in is checked before it is reviewed; so wherever there are checkers.
        extras: What a client wants kept besides, as it came.
    """

    classes: Sequence[str] = ()
    tags: Sequence[str] = ()
    item_tags: Sequence[ItemTag] = ()
    figures_limit: int = 0
    tags_limit: int = 0
    dynamic_classes: bool = False
    dynamic_tags: bool = False
    hide_author: bool = False
    review_own: bool = False
    keep_open_on_empty: bool = False
    quality_check: bool = False
    extras: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Places:
    """Items from one place to another, counted from 1, both included; to the end where `last` is None."""

    first: int = 1
    last: int | None = None


@dataclass(frozen=True, slots=True)
class NewQueue:
    """A queue to be made, over a collection or a dataset.

    Attributes:
        overlap: By how many annotators each item is labeled.
        blind: Whether an annotator does not see what others drew.
        lease_seconds: How long an item is somebody's after he last gave a sign of life.
        item_ids: Only these of the source's items, where given.
        places: Of those only the ones that are there, in the source's order, when the queue is made.
    """

    name: str
    collection_id: int | None = None
    dataset_id: int | None = None
    labelers: Sequence[int] = ()
    reviewers: Sequence[int] = ()
    checkers: Sequence[int] = ()
    settings: QueueSettings = field(default_factory=QueueSettings)
    description: str = ""
    readme: str = ""
    overlap: int = 1
    blind: bool = False
    lease_seconds: int = 1800
    item_ids: Sequence[int] | None = None
    places: Places | None = None


@dataclass(frozen=True, slots=True)
class QueueChanges:
    """What is to change about a queue; None: it stays."""

    name: str | None = None
    description: str | None = None
    readme: str | None = None
    settings: QueueSettings | None = None
    overlap: int | None = None
    blind: bool | None = None
    lease_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """How a queue stands. With several annotators for each item: by the first's part.

    Attributes:
        entities: The items that are in it now.
        pending: Those that wait to be given out.
        in_progress: Those with a labeler, given or rejected.
        on_review: Those handed in and not decided.
        annotated: Those handed in, decided for or not decided.
    """

    entities: int
    pending: int
    in_progress: int
    on_review: int
    annotated: int
    accepted: int
    rejected: int
    skipped: int


@dataclass(frozen=True, slots=True)
class Standings:
    """How many items of a queue have a row of each state; `untouched` have none, `back` wait and have one."""

    entities: int
    untouched: int
    back: int
    expired: int
    held: int
    done: int
    checked: int
    accepted: int
    rejected: int
    skipped: int


@dataclass(frozen=True, slots=True)
class PersonPart:
    """Somebody's part in a queue."""

    id: int
    login: str
    job_id: int
    part: str


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A queue as the database has it."""

    id: int
    account_id: int
    account: str
    workspace_id: int | None
    project_id: int
    project: str
    data_type: str | None
    source: str
    collection_id: int | None
    collection: str | None
    dataset_id: int | None
    dataset: str | None
    name: str
    description: str
    readme: str
    status: str
    settings: dict[str, Any]
    overlap: int
    blind: bool
    lease_seconds: int
    created_by_id: int | None
    created_by: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    people: list[tuple[int, str, int, str]]
    whole: bool
    entities: int
    pending: int
    in_progress: int
    on_review: int
    accepted: int
    rejected: int
    skipped: int
    is_live: bool


@dataclass(frozen=True, slots=True)
class Queue:
    """A labeling queue.

    Attributes:
        account_id: The account that owns its project.
        people: Who works in it, by job. Who only works in it sees his own jobs.
        counts: How it stands; None for who only works in it.
    """

    id: int
    account_id: int
    account: str
    workspace_id: int | None
    project_id: int
    project: str
    data_type: str | None
    collection_id: int | None
    collection: str | None
    dataset_id: int | None
    dataset: str | None
    name: str
    description: str
    readme: str
    status: str
    settings: QueueSettings
    overlap: int
    blind: bool
    lease_seconds: int
    created_by_id: int | None
    created_by: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    people: list[PersonPart]
    counts: Counts | None

    @property
    def labelers(self) -> list[PersonPart]:
        """Return who labels in it."""
        return [person for person in self.people if person.part == "annotate"]

    @property
    def reviewers(self) -> list[PersonPart]:
        """Return who reviews in it."""
        return [person for person in self.people if person.part == "review"]

    @property
    def checkers(self) -> list[PersonPart]:
        """Return who checks in it before the review."""
        return [person for person in self.people if person.part == "check"]

    @property
    def job_ids(self) -> list[int]:
        """Return the jobs in it."""
        return [person.job_id for person in self.people]


@dataclass(frozen=True, slots=True)
class JobCounts:
    """How a job stands: its items, by state. Of a review job: what it has or had in review."""

    items: int
    held: int
    done: int
    accepted: int
    rejected: int
    finished: int


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job as the database has it."""

    id: int
    queue_id: int
    direct: bool
    part: str
    account_id: int
    account: str
    workspace_id: int | None
    workspace: str | None
    project_id: int
    project: str
    data_type: str | None
    dataset_id: int | None
    dataset: str | None
    collection_id: int | None
    name: str
    description: str
    readme: str
    status: str
    settings: dict[str, Any]
    user_id: int
    user: str
    reviewer_id: int | None
    reviewer: str | None
    custom_data: dict[str, Any]
    created_by_id: int | None
    created_by: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    archived_at: datetime | None
    states: dict[str, int]


@dataclass(frozen=True, slots=True)
class JobFacts:
    """What a step in a job goes by."""

    id: int
    queue_id: int
    direct: bool
    part: str
    status: str
    account_id: int
    user_id: int
    reviewer_id: int | None
    archived: bool
    quality_check: bool


@dataclass(frozen=True, slots=True)
class Job:
    """One person's part in a queue, or (`direct`) a list of items given to one person.

    Attributes:
        part: `annotate`, `review`, or `check` (before the review).
        settings: Those of its queue.
        user: The name of who does it; None (as `user_id`) to a reviewer who is not to know.
        reviewer: Who reviews it: of a direct job as it was said; of a review job its own user.
        disabled: Whether it was put into the archive.
    """

    id: int
    queue_id: int
    direct: bool
    part: str
    account_id: int
    account: str
    workspace_id: int | None
    workspace: str | None
    project_id: int
    project: str
    data_type: str | None
    dataset_id: int | None
    dataset: str | None
    collection_id: int | None
    name: str
    description: str
    readme: str
    status: str
    settings: QueueSettings
    user_id: int | None
    user: str | None
    reviewer_id: int | None
    reviewer: str | None
    custom_data: dict[str, Any]
    disabled: bool
    created_by_id: int | None
    created_by: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    archived_at: datetime | None
    counts: JobCounts


@dataclass(frozen=True, slots=True)
class NewJobs:
    """Jobs without a queue to be made: a dataset's items, dealt out to people.

    Attributes:
        item_ids: Only these of the dataset's items, where given.
        places: Of those only the ones that are there, in the dataset's order.
    """

    dataset_id: int
    labelers: Sequence[int]
    name: str
    reviewer_id: int | None = None
    item_ids: Sequence[int] | None = None
    places: Places | None = None
    settings: QueueSettings = field(default_factory=QueueSettings)
    description: str = ""
    readme: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """An item in a queue, as somebody works on it. `state`: None where it waits in the pool."""

    queue_id: int
    item_id: int
    round: int
    state: str | None
    job_id: int | None
    labeler_id: int | None
    review_job_id: int | None
    reviewer_id: int | None
    lease_until: datetime | None
    priority: int
    rejections: int
    comment: str | None
    given_at: datetime | None
    submitted_at: datetime | None
    reviewed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Standing:
    """An item that somebody asked about, as it stands: one row for each of its rounds, or one with none."""

    item_id: int
    present: bool | None
    status: str | None
    round: int | None
    job_id: int | None
    labeler_id: int | None
    review_job_id: int | None
    lease_ran_out: bool
    reserved: bool
    in_source: bool


@dataclass(frozen=True, slots=True)
class Claimed:
    """What the database answers to who asks for his next item."""

    outcome: str
    item_id: int | None
    round: int | None
    state: str | None
    lease_until: datetime | None
    lease_seconds: int | None
    queue_id: int | None
    may_be_done: bool
    made_of: int | None


@dataclass(frozen=True, slots=True)
class Given:
    """The item that somebody is to work on next. `lease_until`: None where it stays his."""

    item_id: int
    round: int
    state: str
    lease_until: datetime | None
    lease_seconds: int


@dataclass(slots=True)
class Sheet(Media):
    """An item that somebody is at work on, and what there is to know of his work there.

    Attributes:
        is_tagged: Somebody put a tag on it.
        only_own: He sees only the labels that he made: he annotates it in a blind queue.
        draft: What he drew on it and has not handed in.
    """

    is_tagged: bool
    only_own: bool
    draft: dict[str, object] | None


@dataclass(frozen=True, slots=True)
class Seen:
    """An item that somebody is at work on, with its labels as he sees them."""

    medium: Sheet
    annotation: Annotation


@dataclass(frozen=True, slots=True)
class QueueItem:
    """An item of a queue in a list of them."""

    item_id: int
    name: str
    kind: str
    dataset_id: int
    label_count: int
    state: str | None
    round: int | None
    job_id: int | None
    labeler_id: int | None
    labeler: str | None
    reviewer_id: int | None
    reviewer: str | None
    priority: int
    rejections: int
    comment: str | None
    given_at: datetime | None
    submitted_at: datetime | None
    reviewed_at: datetime | None
    labeling_seconds: float
    review_seconds: float


@dataclass(frozen=True, slots=True)
class ItemsPage:
    """A page of a queue's items, how many there are in all, and the cursor of the next page where it can be read so."""

    rows: list[QueueItem]
    total: int
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a queue is to be: what it is over, whose, and whether the actor reads it."""

    project_id: int
    owner_id: int
    visibility: str
    trashed: bool


@dataclass(frozen=True, slots=True)
class Found:
    """How many rows a list has in all, and the ids of a page of it."""

    total: int
    ids: list[int]


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody drew and has not handed in."""

    item_id: int
    annotation: dict[str, Any]
    saved_at: datetime


@dataclass(frozen=True, slots=True)
class PersonStatistics:
    """What somebody did in a queue: as a labeler and as a reviewer."""

    user_id: int
    user: str
    labeled: int
    accepted: int
    rejected: int
    rejections: int
    labeling_seconds: float
    reviewed: int
    review_seconds: float


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums over a queue's items."""

    rejections: int
    labeling_seconds: float
    review_seconds: float


@dataclass(frozen=True, slots=True)
class QueueStatistics:
    """How a queue went. `agreement`: of several annotators, on average over the items looked at; None with one only."""

    counts: Counts
    rejections: int
    labeling_seconds: float
    review_seconds: float
    people: list[PersonStatistics]
    agreement: float | None


@dataclass(frozen=True, slots=True)
class ClassStatistics:
    """How many labels of a class a job's items have, on how many of them, and how long those items took."""

    id: int
    name: str
    color: str
    shape: str
    items: int
    labels: int
    seconds: float


@dataclass(frozen=True, slots=True)
class TagStatistics:
    """On how many of a job's items, and on how many of their figures, a tag is."""

    id: int
    name: str
    color: str
    items: int
    figures: int


@dataclass(frozen=True, slots=True)
class JobStatistics:
    """How a job went."""

    job: Job
    labeling_seconds: float
    review_seconds: float
    classes: list[ClassStatistics]
    tags: list[TagStatistics]


@dataclass(frozen=True, slots=True)
class LogLine:
    """One step of an item in a queue."""

    id: int
    at: datetime
    item_id: int
    round: int
    verb: str
    actor_id: int | None
    actor: str | None
    job_id: int | None
    seconds: float | None
    comment: str | None


@dataclass(frozen=True, slots=True)
class Pair:
    """An item with all who labeled it."""

    item_id: int
    labelers: list[int]


@dataclass(frozen=True, slots=True)
class ItemAgreement:
    """How much the labels of an item's annotators agree, from 0 to 1."""

    item_id: int
    agreement: float
    annotators: int


@dataclass(frozen=True, slots=True)
class Proof:
    """Who labeled an item and who decided on it, in which queue. `present`: whether the queue has it now."""

    item_id: int
    queue_id: int
    queue: str
    round: int
    state: str | None
    present: bool
    labeler_id: int | None
    labeler: str | None
    submitted_at: datetime | None
    reviewer_id: int | None
    reviewer: str | None
    reviewed_at: datetime | None
