"""Labels over the native API: classes and tags of a project, annotations, figures and their history.

All below `/api/v1`; the types are those of `pinakes.api.labels`. Coordinates on images are subpixel.

| route | body → answer |
| --- | --- |
| GET /label-classes `?project`, POST /label-classes | → Page[LabelClass]; AddClasses → 201 Page[LabelClass] |
| GET, PATCH, DELETE /label-classes/{class} | → LabelClass; UpdateClass → LabelClass; → 204, with its figures |
| GET /label-tags `?project`, POST /label-tags | → Page[LabelTag]; AddTags → 201 Page[LabelTag] |
| GET, PATCH, DELETE /label-tags/{tag} | → LabelTag; UpdateTag → LabelTag; → 204, from all that has it |
| GET, PUT /media/{medium}/annotation | → Annotation; PutAnnotation → Annotation |
| POST /media/tag, /media/untag | TagItems → Count; UntagItems → Count |
| GET /annotations `?project&dataset&recursive&collection&query` | → lines of Annotation |
| POST /annotations `?atomic`, application/x-ndjson | lines of AnnotationLine → lines of AnnotationResult, a summary |
| GET, DELETE /figures/{figure} | → Figure; → 204 |
| POST /figures/{figure}/restore | → Figure: as it was when it was removed |
| GET /figures/{figure}/history `?limit&cursor` | → Page[FigureVersion], newest first |
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import IO, Annotated, Any

from fastapi import Path, Query, Request, Response
from pydantic import ValidationError
from starlette.responses import StreamingResponse

from pinakes.api import labels as api, media as media_api
from pinakes.api.common import MAX_INT4, Page
from pinakes.server.actor import Actor
from pinakes.server.catalog import media
from pinakes.server.collections import service as collections
from pinakes.server.db import Tx
from pinakes.server.errors import Invalid, MediaNotFound, PinakesError
from pinakes.server.labeling import annotations as annotating, classes, figures, tagging, tags
from pinakes.server.labeling.label_types import (
    ClassChanges,
    NewAnnotation,
    NewClass,
    NewTag,
    NewTagged,
    Saved,
    TagChanges,
)
from pinakes.server.permissions.service import require_sign_in
from pinakes.server.search import language, media as search
from pinakes.server.search.media import Scope
from pinakes.server.state import State, request_id_of
from pinakes.server.wires.native import _labels as show, encode
from pinakes.server.wires.native._changes import Changing
from pinakes.server.wires.native._media import MediumPath, NeededProject, ProjectQuery
from pinakes.server.wires.native._shared import After, Here, Limit, past_mark, take_in
from pinakes.server.wires.native.auth import By
from pinakes.server.wires.native.errors import describe, errors, router as make_router
from pinakes.server.wires.native.media import CollectionQuery, DatasetQuery, Search

router = make_router("labels")

ClassPath = Annotated[int, Path(alias="label_class", ge=1, le=MAX_INT4, description="The class's number.")]
TagPath = Annotated[int, Path(alias="label_tag", ge=1, le=MAX_INT4, description="The tag's number.")]
FigurePath = Annotated[int, Path(alias="figure", ge=1, le=MAX_INT4, description="The figure's number.")]

LINES = "application/x-ndjson"
_LINES_TYPES = frozenset({LINES, "application/ndjson", "application/jsonl", "application/x-jsonlines"})
# A line of a bulk call holds all labels of one item.
_LONGEST_LINE = 20_000_000
_MOST_LINES = 1_000_000
# So many lines, or so many bytes, are one transaction.
_CHUNK, _CHUNK_BYTES = 200, 8_000_000
_PAGE = 200

_CONFLICT = errors(409)
_NO_CONTENT: dict[str, Any] = {"status_code": 204, "response_class": Response, "responses": _CONFLICT}


# ----------------------------------------------------------------------------------------------------------------------
# Classes and tags
# ----------------------------------------------------------------------------------------------------------------------


@router.get("/label-classes", response_model=Page[api.LabelClass])
async def list_classes(state: Here, actor: By, project: NeededProject) -> Response:
    """List the classes of a project."""
    async with state.db.reading() as tx:
        found = await classes.list_classes(tx, actor, project)
    return _rows([show.label_class(each) for each in found])


@router.post("/label-classes", status_code=201, response_model=Page[api.LabelClass], responses=_CONFLICT)
async def add_classes(change: Changing, wanted: api.AddClasses) -> Response:
    """Add classes to a project. A name that is taken: 409, and none is added."""

    async def work(tx: Tx) -> Response:
        new = [NewClass(**each.model_dump()) for each in wanted.classes]
        made = await classes.add(tx, change.actor, wanted.project, new)
        return _rows([show.label_class(each) for each in made], status=201)

    return await change.write(work)


@router.get("/label-classes/{label_class}", response_model=api.LabelClass)
async def get_class(state: Here, actor: By, label_class: ClassPath) -> Response:
    """Show a class."""
    async with state.db.reading() as tx:
        return encode.answer(show.label_class(await classes.get(tx, actor, label_class)))


@router.patch("/label-classes/{label_class}", response_model=api.LabelClass, responses=_CONFLICT)
async def update_class(change: Changing, label_class: ClassPath, wanted: api.UpdateClass) -> Response:
    """Change a class; its figures follow."""

    async def work(tx: Tx) -> Response:
        changes = ClassChanges(**wanted.model_dump())
        return encode.answer(show.label_class(await classes.edit(tx, change.actor, label_class, changes)))

    return await change.write(work)


@router.delete("/label-classes/{label_class}", **_NO_CONTENT)
async def delete_class(change: Changing, label_class: ClassPath) -> Response:
    """Remove a class with all its figures."""

    async def work(tx: Tx) -> Response:
        found = await classes.get(tx, change.actor, label_class)
        await classes.remove(tx, change.actor, found.project_id, [found.id])
        return encode.empty()

    return await change.write(work)


@router.get("/label-tags", response_model=Page[api.LabelTag])
async def list_tags(state: Here, actor: By, project: NeededProject) -> Response:
    """List the tags that a project knows."""
    async with state.db.reading() as tx:
        found = await tags.list_tags(tx, actor, project)
    return _rows([show.label_tag(each) for each in found])


@router.post("/label-tags", status_code=201, response_model=Page[api.LabelTag], responses=_CONFLICT)
async def add_tags(change: Changing, wanted: api.AddTags) -> Response:
    """Add tags to a project. A name that is taken: 409, and none is added."""

    async def work(tx: Tx) -> Response:
        new = [NewTag(**each.model_dump()) for each in wanted.tags]
        made = await tags.add(tx, change.actor, wanted.project, new)
        return _rows([show.label_tag(each) for each in made], status=201)

    return await change.write(work)


@router.get("/label-tags/{label_tag}", response_model=api.LabelTag)
async def get_tag(state: Here, actor: By, label_tag: TagPath) -> Response:
    """Show a tag."""
    async with state.db.reading() as tx:
        return encode.answer(show.label_tag(await tags.get(tx, actor, label_tag)))


@router.patch("/label-tags/{label_tag}", response_model=api.LabelTag, responses=_CONFLICT)
async def update_tag(change: Changing, label_tag: TagPath, wanted: api.UpdateTag) -> Response:
    """Change a tag; whatever has it follows."""

    async def work(tx: Tx) -> Response:
        changes = TagChanges(**wanted.model_dump())
        return encode.answer(show.label_tag(await tags.edit(tx, change.actor, label_tag, changes)))

    return await change.write(work)


@router.delete("/label-tags/{label_tag}", **_NO_CONTENT)
async def delete_tag(change: Changing, label_tag: TagPath) -> Response:
    """Remove a tag from its project, and from all that has it."""

    async def work(tx: Tx) -> Response:
        found = await tags.get(tx, change.actor, label_tag)
        await tags.remove(tx, change.actor, found.project_id, [found.id])
        return encode.empty()

    return await change.write(work)


# ----------------------------------------------------------------------------------------------------------------------
# Annotations
# ----------------------------------------------------------------------------------------------------------------------


@router.get("/media/{medium}/annotation", response_model=api.Annotation)
async def get_annotation(state: Here, actor: By, medium: MediumPath) -> Response:
    """Show all labels of an item."""
    async with state.db.reading() as tx:
        return encode.answer(show.annotation(await annotating.get(tx, actor, medium)))


@router.put("/media/{medium}/annotation", response_model=api.Annotation, responses=_CONFLICT)
async def put_annotation(change: Changing, medium: MediumPath, wanted: api.PutAnnotation) -> Response:
    """Make an item's labels what is sent: all of it, or nothing is changed."""

    async def work(tx: Tx) -> Response:
        await show.put(tx, change.actor, medium, wanted)
        return encode.answer(show.annotation(await annotating.get(tx.alone, change.actor, medium)))

    return await change.write(work)


@router.post("/media/tag", response_model=media_api.Count, responses=_CONFLICT)
async def tag_media(change: Changing, wanted: api.TagItems) -> Response:
    """Put a tag of their project on items, all of them or none; on those that have it, nothing changes."""

    async def work(tx: Tx) -> Response:
        new = [NewTagged(name=wanted.name, item_id=item, value=wanted.value) for item in wanted.items]
        return encode.answer({"count": len(await tagging.add(tx, change.actor, new))})

    return await change.write(work)


@router.post("/media/untag", response_model=media_api.Count, responses=_CONFLICT)
async def untag_media(change: Changing, wanted: api.UntagItems) -> Response:
    """Take tags from items, by their names."""

    async def work(tx: Tx) -> Response:
        count = 0
        for project in await _projects(tx, change.actor, wanted.items):
            known = await tags.list_tags(tx, change.actor, project)
            named = [one.id for one in known if one.name in wanted.names]
            if named:
                count += await tagging.remove_from_items(tx, change.actor, named, wanted.items)
        return encode.answer({"count": count})

    return await change.write(work)


async def _projects(tx: Tx, actor: Actor, items: Sequence[int]) -> list[int]:
    """Return the projects of items, all of which must be there."""
    found = await media.get_many(tx, actor, items)
    missing = sorted({*items} - {one.id for one in found})
    if missing:
        raise MediaNotFound(field="items", details={"item_ids": missing})
    return sorted({one.project_id for one in found})


@router.get(
    "/annotations",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "All labels, an item in each line.",
            "content": {LINES: {"schema": {"type": "string", "description": "Lines of Annotation."}}},
        }
    },
)
async def export_annotations(
    state: Here,
    actor: By,
    project: ProjectQuery = None,
    dataset: DatasetQuery = None,
    recursive: Annotated[bool, Query(description="Those of the datasets in it, too.")] = False,  # noqa: FBT002
    collection: CollectionQuery = None,
    query: Search = None,
) -> Response:
    """Write out the labels of items: of a project, a dataset, a collection, or what these have in common."""
    async with state.db.reading() as tx:
        number = (await collections.get(tx, actor, collection)).id if collection is not None else None
        scope = Scope(project_id=project, dataset_id=dataset, recursive=recursive, collection_id=number)
        if project is None and dataset is None and collection is None:
            message = "Say where: give a project, a dataset or a collection."
            raise Invalid(message, field="project")
        wanted = language.parse(query)
        page = await search.page(tx, actor, scope, wanted, limit=_PAGE, with_total=False)

    async def lines() -> AsyncGenerator[bytes]:
        current = page
        while True:
            async with state.db.reading() as tx:
                ids = [one.id for one in current.items]
                found = await annotating.get_many(tx, actor, ids, missing_ok=True) if ids else []
                cursor = current.next
                if cursor is not None:
                    current = await search.page(tx, actor, scope, wanted, limit=_PAGE, cursor=cursor, with_total=False)
            yield b"".join(encode.line(show.annotation(each)) for each in found)
            if cursor is None:
                return

    return StreamingResponse(lines(), media_type=LINES)


@router.post(
    "/annotations",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "What became of each line, and a summary.",
            "content": {LINES: {"schema": {"type": "string", "description": "Lines of AnnotationResult."}}},
        },
        **errors(409),
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {LINES: {"schema": {"type": "string", "description": "Lines of AnnotationLine."}}},
        }
    },
)
async def import_annotations(
    request: Request,
    state: Here,
    actor: By,
    atomic: Annotated[bool, Query(description="All lines, or none.")] = False,  # noqa: FBT002 - of the query
) -> Response:
    """Make the labels of many items what the lines say. Sending them again does no harm: they are what they are."""
    require_sign_in(actor)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _LINES_TYPES:
        message = f"Send {LINES}, and say so in Content-Type."
        raise Invalid(message, field="body")
    file = (await take_in(request, most=_MOST_LINES)).file
    past_mark(file)
    call = _Import(state, actor, request_id_of(request))
    if atomic:
        lines = [line async for line in call.all_or_none(file)]
        return Response(b"".join(lines), media_type=LINES)
    return StreamingResponse(call.each(file), media_type=LINES)


Parsed = tuple[int, api.AnnotationLine | Invalid]


class _Import:
    """One bulk call: lines in, lines out."""

    def __init__(self, state: State, actor: Actor, request_id: str) -> None:
        self._state: State = state
        self._actor: Actor = actor
        self._request_id: str = request_id
        self.saved: int = 0
        self.refused: int = 0

    async def each(self, file: IO[bytes]) -> AsyncGenerator[bytes]:
        """Save each line by itself, some in one transaction; answer as it goes on."""
        with file:
            for chunk in _chunks(file):
                try:
                    async with self._state.db.transaction() as tx:
                        results = await self._save(tx, chunk)
                except PinakesError as error:
                    results = [self._result(line, _item(each), error=error) for line, each in chunk]
                self._count(results)
                yield b"".join(encode.line(one) for one in results)
            yield self._summary()

    async def all_or_none(self, file: IO[bytes]) -> AsyncGenerator[bytes]:
        """Save all lines in one transaction; the first bad one is raised, and undoes all."""
        kept: list[bytes] = []
        with file:
            async with self._state.db.transaction() as tx:
                for chunk in _chunks(file):
                    results = await self._save(tx, chunk, atomic=True)
                    self._count(results)
                    kept += [encode.line(one) for one in results]
        for line in kept:
            yield line
        yield self._summary()

    async def _save(self, tx: Tx, chunk: Sequence[Parsed], *, atomic: bool = False) -> list[show.Json]:
        ready: list[tuple[int, NewAnnotation]] = []
        results: dict[int, show.Json] = {}
        places = await self._places(tx, chunk)
        for line, each in chunk:
            try:
                ready.append((line, await self._new(tx, each, places)))
            except PinakesError as error:
                if atomic:
                    error.details = {**error.details, "line": line}
                    raise
                results[line] = self._result(line, _item(each), error=error)
        saved = await show.put_each(tx, self._actor, [new for _, new in ready]) if ready else []
        for (line, new), one in zip(ready, saved, strict=True):
            if atomic and one.error is not None:
                one.error.details = {**one.error.details, "line": line}
                one.error.field = show.field_of(one.error.field)
                raise one.error
            results[line] = self._became(line, new.item_id, one)
        return [results[line] for line, _ in chunk]

    async def _places(self, tx: Tx, chunk: Sequence[Parsed]) -> dict[int, int]:
        """Return the datasets of the items that get new objects."""
        items = [each.item for _, each in chunk if isinstance(each, api.AnnotationLine) and each.objects]
        found = await media.get_many(tx, self._actor, items) if items else []
        return {one.id: one.dataset_id for one in found}

    async def _new(self, tx: Tx, each: api.AnnotationLine | Invalid, places: dict[int, int]) -> NewAnnotation:
        if isinstance(each, Invalid):
            raise each
        known = {}
        if each.objects:
            if each.item not in places:
                raise MediaNotFound(field="item")
            known = await show.add_objects(tx, self._actor, each.item, places[each.item], each)
        return show.new_annotation(each.item, each, known)

    def _became(self, line: int, item: int, one: Saved) -> show.Json:
        if one.error is not None:
            one.error.field = show.field_of(one.error.field)
            return self._result(line, item, error=one.error)
        return self._result(line, item, figures=one.figure_ids)

    def _result(
        self, line: int, item: int | None, *, figures: Sequence[int] = (), error: PinakesError | None = None
    ) -> show.Json:
        return {
            "line": line,
            "item": item,
            "outcome": "saved" if error is None else "refused",
            "figures": [*figures],
            "error": describe(error, self._request_id) if error is not None else None,
        }

    def _count(self, results: Sequence[show.Json]) -> None:
        refused = sum(one["error"] is not None for one in results)
        self.refused += refused
        self.saved += len(results) - refused

    def _summary(self) -> bytes:
        return encode.line({"summary": api.AnnotationSummary(saved=self.saved, refused=self.refused).model_dump()})


def _chunks(file: IO[bytes]) -> Iterator[list[Parsed]]:
    """Read the lines, some at a time, of no item twice; an empty one is passed over."""
    chunk: list[Parsed] = []
    items: set[int | None] = set()
    size = 0
    for number, line in _numbered(file):
        parsed = _parsed(line) if line is not None else Invalid(f"The line is longer than {_LONGEST_LINE} bytes.")
        item = _item(parsed)
        if len(chunk) >= _CHUNK or size > _CHUNK_BYTES or (item is not None and item in items):
            yield chunk
            chunk, items, size = [], set(), 0
        chunk.append((number, parsed))
        items.add(item)
        size += len(line or b"")
    if chunk:
        yield chunk


def _numbered(file: IO[bytes]) -> Iterator[tuple[int, bytes | None]]:
    """Read the lines that are not empty with their numbers; None for one that is too long, which is never kept."""
    number = 0
    while line := file.readline(_LONGEST_LINE + 1):
        number += 1
        if len(line) > _LONGEST_LINE:
            while line and not line.endswith(b"\n"):
                line = file.readline(_LONGEST_LINE)
            yield number, None
        elif line.strip():
            yield number, line


def _parsed(line: bytes) -> api.AnnotationLine | Invalid:
    try:
        return api.AnnotationLine.model_validate_json(line)
    except (ValidationError, RecursionError) as error:
        if isinstance(error, RecursionError):
            return Invalid("The line is nested too deeply.")
        problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
        if problem["type"] == "json_invalid":
            return Invalid("The line is not JSON.")
        field = ".".join(str(part) for part in problem["loc"])
        return Invalid(f"{field}: {problem['msg']}." if field else f"{problem['msg']}.", field=field or None)


def _item(each: api.AnnotationLine | Invalid) -> int | None:
    return each.item if isinstance(each, api.AnnotationLine) else None


# ----------------------------------------------------------------------------------------------------------------------
# Figures
# ----------------------------------------------------------------------------------------------------------------------


@router.get("/figures/{figure}", response_model=api.Figure)
async def get_figure(state: Here, actor: By, figure: FigurePath) -> Response:
    """Show a figure."""
    async with state.db.reading() as tx:
        return encode.answer(show.figure(await figures.get(tx, actor, figure)))


@router.delete("/figures/{figure}", **_NO_CONTENT)
async def delete_figure(change: Changing, figure: FigurePath) -> Response:
    """Remove a figure; its history keeps it."""

    async def work(tx: Tx) -> Response:
        await figures.get(tx, change.actor, figure)
        await figures.remove(tx, change.actor, [figure])
        return encode.empty()

    return await change.write(work)


@router.post("/figures/{figure}/restore", response_model=api.Figure, responses=_CONFLICT)
async def restore_figure(change: Changing, figure: FigurePath) -> Response:
    """Bring a removed figure back, as it was."""

    async def work(tx: Tx) -> Response:
        await figures.restore(tx, change.actor, [figure])
        return encode.answer(show.figure(await figures.get(tx, change.actor, figure)))

    return await change.write(work)


@router.get("/figures/{figure}/history", response_model=Page[api.FigureVersion])
async def list_figure_history(
    state: Here, actor: By, figure: FigurePath, limit: Limit = 100, cursor: After = None
) -> Response:
    """List what a figure was before, newest first, and who changed or removed it."""
    async with state.db.reading() as tx:
        page = await figures.history(tx, actor, figure, limit=limit, cursor=cursor)
    return encode.answer({"rows": [show.figure_version(row) for row in page.rows], "next": page.next})


def _rows(rows: Sequence[show.Json], *, status: int = 200) -> Response:
    return encode.answer({"rows": rows, "next": None}, status=status)
