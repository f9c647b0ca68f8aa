"""Runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import strawberry

from pinakes.server.artifacts import runs as rooms, streams
from pinakes.server.artifacts.run_types import Run as Row
from pinakes.server.errors import NotFound
from pinakes.server.people import service as accounts
from pinakes.server.people.types import Account
from pinakes.server.search import mongo, releases
from pinakes.server.wires.wandb import ids, pages
from pinakes.server.wires.wandb.context import Context, Info
from pinakes.server.wires.wandb.histories import facts_of, samples_of
from pinakes.server.wires.wandb.once import once
from pinakes.server.wires.wandb.pages import Asked, Counted, Listed, PageInfo
from pinakes.server.wires.wandb.places import Place
from pinakes.server.wires.wandb.scalars import JSON, DateTime, Int64, JSONString, text_of
from pinakes.server.wires.wandb.types import artifacts, consoles, files, people, projects
from pinakes.server.wires.wandb.types.consoles import LogLineConnection
from pinakes.server.wires.wandb.types.references import ArtifactConnectionRef, FileConnectionRef, ProjectRef, UserRef
from pinakes.server.wires.wandb.vocabulary import RUNS, window

# Where the client keeps what it knows of itself, in the config.
CLIENT = "_wandb"
SAMPLES = 500
# Nobody's name has brackets.
GONE = "(deleted)"


@strawberry.type
class RunEdge:
    """A run in a list."""

    node: Run
    cursor: str | None


@strawberry.type
class RunConnection(Counted):
    """A page of runs."""

    edges: list[RunEdge]
    page_info: PageInfo


@strawberry.type
class GitInfo:
    """The state of the code that a run executed."""

    remote: str | None
    commit: str | None


@strawberry.type
class RunInfo:
    """Where and how a run was started."""

    program: str | None
    git: GitInfo | None
    args: list[str] | None = None
    os: str | None = None
    python: str | None = None
    colab: str | None = None
    executable: str | None = None
    code_saved: bool | None = None
    cpu_count: int | None = None
    gpu_count: int | None = None
    gpu: str | None = None


@strawberry.type
class ParquetHistory:
    """Where to fetch the history of a run in files: this server has none, so the client asks for lines."""

    parquet_urls: list[str] = strawberry.field(default_factory=list)
    live_data: list[JSON | None] = strawberry.field(default_factory=list)


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """Runs that are shown together: what one of them needs beside its row is read for all of them."""

    rows: Sequence[Row]

    async def whole(self, ctx: Context) -> Mapping[int, Row]:
        """Return all of them with what can be long: config, summary, system metrics."""
        return await once(ctx, ("whole runs", self), lambda: self._whole(ctx))

    async def people(self, ctx: Context) -> Mapping[int, Account]:
        """Return whose runs they are."""
        wanted = sorted({row.user_id for row in self.rows if row.user_id is not None})
        return await once(ctx, ("people of runs", self), lambda: accounts.accounts_by_ids(ctx.tx, wanted))

    async def _whole(self, ctx: Context) -> Mapping[int, Row]:
        found = await rooms.by_ids(ctx.tx, ctx.actor, [row.id for row in self.rows], full=True)
        return {row.id: row for row in found}


@strawberry.type
class Run:
    """One execution of somebody's program."""

    row: strawberry.Private[Row]
    shown: strawberry.Private[Shown]

    id: strawberry.ID
    name: str
    project_id: int
    tags: list[str] | None
    display_name: str | None
    sweep_name: str | None
    state: str | None
    group: str | None
    job_type: str | None
    commit: str | None
    created_at: DateTime
    heartbeat_at: DateTime | None
    description: str | None
    notes: str | None
    history_line_count: int | None
    events_line_count: int | None
    log_line_count: int | None
    stopped: bool | None

    @strawberry.field
    def read_only(self, info: Info) -> bool | None:
        """Whether the reader may only look at it."""
        return not rooms.may_write(info.context.actor, self.row)

    @strawberry.field
    def project(self) -> ProjectRef | None:
        """Its project, which whoever sees the run sees."""
        return projects.project_of(place_of(self.row))

    @strawberry.field
    async def user(self, info: Info) -> UserRef | None:
        """Whose run it is: somebody, even if he is gone, for the client can't take in a run that is nobody's."""
        number = self.row.user_id or 0
        found = (await self.shown.people(info.context)).get(number)
        if found is not None:
            return people.user_of(info.context, found)
        return people.User(
            number=number, id=ids.write("User", number), name=GONE, username=GONE, email=None, admin=False
        )

    @strawberry.field
    async def config(self, info: Info) -> JSONString | None:
        """What it was started with."""
        return text_of((await self._whole(info)).config)

    @strawberry.field
    async def summary_metrics(self, info: Info) -> JSONString | None:
        """The last of what it logged."""
        return text_of((await self._whole(info)).summary)

    @strawberry.field
    async def system_metrics(self, info: Info) -> JSONString | None:
        """What was measured of its machine last."""
        return text_of((await self._whole(info)).system_metrics)

    @strawberry.field
    async def wandb_config(self, info: Info, keys: list[str] | None = None) -> JSONString | None:
        """What the client keeps about itself in the config."""
        kept = ((await self._whole(info)).config or {}).get(CLIENT)
        value: Any = kept.get("value") if isinstance(kept, dict) else None
        found: dict[str, object] = value if isinstance(value, dict) else {}
        return text_of(found if keys is None else {key: found[key] for key in keys if key in found})

    @strawberry.field
    def run_info(self) -> RunInfo | None:
        """How it was started, as far as it says so."""
        row = self.row
        git = GitInfo(remote=row.repo, commit=row.commit) if row.repo or row.commit else None
        return RunInfo(program=row.program, git=git)

    @strawberry.field
    async def file_count(self, info: Info) -> int | None:
        """How many files it has."""
        return await rooms.file_count(info.context.tx, self.row.id)

    @strawberry.field
    async def files(
        self,
        info: Info,
        names: list[str | None] | None = None,
        after: str | None = None,
        first: int | None = None,
        pattern: str | None = None,
    ) -> FileConnectionRef | None:
        """Its files: all, those of some names, or those like a pattern."""
        wanted = files.Wanted([name.removeprefix("./") for name in names or () if name is not None], pattern)
        return await files.page_of_run(info.context, self.row, wanted, after, first)

    @strawberry.field
    async def history(
        self, info: Info, samples: int | None = None, min_step: Int64 | None = None, max_step: Int64 | None = None
    ) -> list[str] | None:
        """Its history, each line as JSON: all of some steps, or some of all."""
        tx, row = info.context.tx, self.row
        if min_step is None and max_step is None:
            return await streams.history_sample(tx, row.id, _samples(samples), count=row.history_count)
        limit = samples if samples is not None else streams.MOST_SAMPLES
        return await streams.history_page(tx, row.id, min_step=min_step or 0, max_step=max_step, limit=limit)

    @strawberry.field
    async def events(self, info: Info, samples: int | None = None) -> list[str] | None:
        """Some of its system metrics, each line as JSON."""
        row = self.row
        return await streams.history_sample(
            info.context.tx, row.id, _samples(samples), stream="events", count=row.event_count
        )

    @strawberry.field
    async def history_tail(self, info: Info) -> JSONString | None:
        """The last line of its history, in a list."""
        return text_of(await streams.tail(info.context.tx, self.row.id, "history"))

    @strawberry.field
    async def events_tail(self, info: Info) -> JSONString | None:
        """The last line of its system metrics, in a list."""
        return text_of(await streams.tail(info.context.tx, self.row.id, "events"))

    @strawberry.field
    async def history_keys(self, info: Info) -> JSON | None:
        """The keys of its history, and its last step."""
        return facts_of(await streams.history_keys(info.context.tx, self.row.id))

    @strawberry.field
    async def sampled_history(self, info: Info, specs: list[JSONString]) -> list[JSON | None] | None:
        """Some keys of its history, for each of the specifications."""
        wanted = samples_of(specs)
        return [JSON(await streams.sampled(info.context.tx, self.row.id, spec)) for spec in wanted]

    @strawberry.field
    def parquet_history(self, live_keys: list[str]) -> ParquetHistory:  # noqa: ARG002 - of any keys
        """There are no such files."""
        return ParquetHistory()

    @strawberry.field
    async def log_lines(
        self,
        info: Info,
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        use_improved_pagination: bool | None = None,  # noqa: ARG002, FBT001 - there is one way
    ) -> LogLineConnection | None:
        """What it printed: a page, or the last lines."""
        if last is not None:
            return await consoles.last_lines(info.context, self.row.id, last)
        return await consoles.page_of_lines(info.context, self.row.id, after, first)

    @strawberry.field
    async def output_artifacts(
        self, info: Info, after: str | None = None, first: int | None = None
    ) -> ArtifactConnectionRef | None:
        """The versions that it logged."""
        return await artifacts.outputs_of(info.context, self.row.id, after, first)

    @strawberry.field
    async def input_artifacts(
        self, info: Info, after: str | None = None, first: int | None = None
    ) -> ArtifactConnectionRef | None:
        """The versions that it used."""
        return await artifacts.inputs_of(info.context, self.row.id, after, first)

    async def _whole(self, info: Info) -> Row:
        if self.row.config is not None:
            return self.row
        return (await self.shown.whole(info.context)).get(self.row.id, self.row)


def run_of(row: Row, shown: Shown | None = None) -> Run:
    """Make a run, shown alone or together with others."""
    return Run(
        row=row,
        shown=shown or Shown([row]),
        id=ids.write("Run", row.id),
        name=row.name,
        project_id=row.project_id,
        tags=row.tags,
        display_name=row.display_name,
        sweep_name=row.sweep,
        state=row.state,
        group=row.group_name,
        job_type=row.job_type,
        commit=row.commit,
        created_at=DateTime(row.created_at),
        heartbeat_at=DateTime(row.heartbeat_at),
        description=row.description,
        notes=row.notes,
        history_line_count=row.history_count,
        events_line_count=row.event_count,
        log_line_count=row.log_count,
        stopped=row.stop_asked,
    )


def place_of(row: Row) -> Place:
    """Return the project of a run."""
    return Place(
        owner_id=row.owner_id,
        container_id=row.project_id,
        visibility=row.visibility,
        entity=row.owner,
        entity_id=row.owner_id,
        entity_kind=None,
        name=row.project,
    )


def connection(page: Listed[Row], count: pages.Count) -> RunConnection:
    """Make a page of runs."""
    shown = Shown(page.rows)
    edges = pages.edges(page, lambda row, cursor: RunEdge(node=run_of(row, shown), cursor=cursor))
    return RunConnection(count=count, edges=edges, page_info=pages.info(page))


async def find_run(ctx: Context, place: Place, name: str) -> Run | None:
    """Find a run of a project by its name; None when there is none that the reader sees."""
    if place.container_id is None:
        return None
    try:
        return run_of(await rooms.find_in(ctx.tx, ctx.actor, place.container_id, name))
    except NotFound:
        return None


async def page_of_runs(ctx: Context, place: Place, asked: Asked) -> RunConnection:
    """List the runs of a project; a registry has none."""
    filters = mongo.parse_text(asked.filters, RUNS)
    part = window(asked, RUNS)
    number = place.container_id
    if number is None:
        return connection(pages.nothing(), pages.known(0))

    async def count() -> int:
        return await releases.count_runs_of_project(ctx.tx, ctx.actor, number, run_filter=filters)

    if part is None:
        return connection(pages.nothing(), count)
    hits = await releases.runs_of_project(ctx.tx, ctx.actor, number, part, run_filter=filters)
    found = {row.id: row for row in await rooms.by_ids(ctx.tx, ctx.actor, [hit.id for hit in hits.rows])}
    page = pages.found([found.get(hit.id) for hit in hits.rows], hits.cursors, more=hits.more)
    return connection(page, count)


async def count_of_runs(ctx: Context, place: Place, filters: str | None) -> int:
    """Count the runs of a project that a filter finds."""
    expression = mongo.parse_text(filters, RUNS)
    if place.container_id is None:
        return 0
    return await releases.count_runs_of_project(ctx.tx, ctx.actor, place.container_id, run_filter=expression)


def _samples(asked: int | None) -> int:
    """Return how many lines to choose: there is no more to a sample than the most that is given at once."""
    return SAMPLES if asked is None else min(asked, streams.MOST_SAMPLES)
