"""What the artifacts room is given and answers with, as far as runs and files on their way go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

State: TypeAlias = Literal["pending", "running", "finished", "failed", "crashed", "killed", "preempting", "preempted"]
Stream: TypeAlias = Literal["history", "events", "output"]
RunOrder: TypeAlias = Literal["+created_at", "-created_at"]

STATES: tuple[State, ...] = (
    "pending",
    "running",
    "finished",
    "failed",
    "crashed",
    "killed",
    "preempting",
    "preempted",
)
# Those in which nothing more is expected of a run.
ENDED: frozenset[str] = frozenset({"finished", "failed", "killed", "preempted"})


@dataclass(frozen=True, slots=True)
class Run:
    """A run of somebody's program, as it tells of itself.

    Attributes:
        name: What it is called in addresses, unique in its project; `display_name` is for people.
        sweep: The sweep that it belongs to, if it says so.
        config: What it was started with; None, like the two below, where only a short form was asked for.
        summary: The last or best of what it logged.
        system_metrics: What was last measured of the machine.
        state: `crashed` when it has not been heard of for minutes, though it did not end.
        stop_asked: Somebody wants it to stop.
        user: Who runs it.
        history_count: How many lines of history it has sent; `event_count` and `log_count` are of the others.
        last_step: The last step in its history.
    """

    id: int
    project_id: int
    project: str
    owner_id: int
    owner: str
    visibility: str
    name: str
    display_name: str
    group_name: str | None
    job_type: str | None
    description: str | None
    notes: str | None
    commit: str | None
    host: str | None
    program: str | None
    repo: str | None
    sweep: str | None
    tags: list[str]
    config: dict[str, object] | None
    summary: dict[str, object] | None
    system_metrics: dict[str, object] | None
    state: State
    exit_code: int | None
    stop_asked: bool
    user_id: int | None
    user: str | None
    history_count: int
    event_count: int
    log_count: int
    last_step: int | None
    created_at: datetime
    updated_at: datetime
    heartbeat_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RunForm:
    """What is said of a run; None leaves a value as it is.

    A run is named by its id, or else by owner (None: the user's default account), project (None: `uncategorized`) and
    name (None: a new one). `config` and `summary` replace what was there; they are objects, or the JSON texts of such.
    """

    id: int | None = None
    owner: str | None = None
    project: str | None = None
    name: str | None = None
    display_name: str | None = None
    group_name: str | None = None
    job_type: str | None = None
    description: str | None = None
    notes: str | None = None
    commit: str | None = None
    host: str | None = None
    program: str | None = None
    repo: str | None = None
    sweep: str | None = None
    tags: Sequence[str] | None = None
    config: Mapping[str, object] | str | None = None
    summary: Mapping[str, object] | str | None = None
    state: str | None = None


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of a stream, the first of which has the number `offset`."""

    offset: int
    lines: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStream:
    """What a run sends while it goes on; nothing at all is a sign of life, too.

    Attributes:
        history: What it logged, a JSON object a line.
        events: What was measured of the machine, likewise.
        output: Lines of the console; one that was sent before is replaced.
        summary: The JSON text of its whole summary.
        complete: It has ended, with `exit_code`.
        preempting: Its machine is about to be taken away.
    """

    history: Lines | None = None
    events: Lines | None = None
    output: Lines | None = None
    summary: str | None = None
    complete: bool = False
    exit_code: int | None = None
    preempting: bool = False


@dataclass(frozen=True, slots=True)
class Alert:
    """A message that a run has for people, and how bad it is: info, warn or error."""

    title: str
    text: str
    severity: str = "info"


@dataclass(frozen=True, slots=True)
class Streamed:
    """What a run is told in return: whether somebody wants it to stop."""

    run_id: int
    stopped: bool


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """A key of a run's history: how often it had a value of which type, and the last one if it is short."""

    types: dict[str, int]
    last: float | str | bool | None


@dataclass(frozen=True, slots=True)
class HistoryKeys:
    """The keys of a run's history (those of nested objects with dots between), and its last step."""

    last_step: int | None
    keys: dict[str, KeyFacts]


@dataclass(frozen=True, slots=True)
class SampleSpec:
    """Of a run's history, some rows that have all of these keys, spread evenly; up to, not including, `max_step`."""

    keys: Sequence[str]
    samples: int = 500
    min_step: int | None = None
    max_step: int | None = None


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of a run's console."""

    number: int
    line: str


@dataclass(frozen=True, slots=True)
class RunFile:
    """A file of a run, there whole."""

    id: int
    run_id: int
    name: str
    object_key: str
    size: int
    md5: bytes
    mimetype: str | None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Blob:
    """A content that an account has, and the version whose upload first brought it."""

    md5: bytes
    size: int
    version_id: int | None


# What the queries of this room answer with, for the room's own use.


@dataclass(frozen=True, slots=True)
class HeldRun:
    """A run that this transaction holds, as far as a change of it needs it."""

    id: int
    project_id: int
    owner_id: int
    name: str
    state: State
    stop_asked: bool
    history_keys: dict[str, list[object]]


@dataclass(frozen=True, slots=True)
class WrittenLine:
    """A line that was written, and whether there was none of its number before."""

    number: int
    fresh: bool


@dataclass(frozen=True, slots=True)
class FileOfRun:
    """A file of a run, as far as deleting it needs it."""

    id: int
    run_id: int
    object_key: str


@dataclass(frozen=True, slots=True)
class Collectable:
    """A content that nothing refers to."""

    account_id: int
    md5: bytes
