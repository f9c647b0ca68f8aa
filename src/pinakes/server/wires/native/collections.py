"""Collections over the native API: their fields, entries, revisions, and what one can do with them.

`{c}` is a collection: its id (24 hex digits), or its slug's last segment (`words-ID`). `{e}` is an entry's id. All
below `/api/v1`. The types are those of `pinakes.api.collections`.

| route | body → answer |
| --- | --- |
| GET /collections `?owner*&item*&tag*&kind&q&sort&trashed&entries&limit&cursor` | → Page[Collection] |
| POST /collections | CreateCollection → 201 Collection |
| GET /collections/{c} `?entries=N` | → Collection, ETag |
| PATCH /collections/{c} (If-Match) | UpdateCollection → Collection, ETag |
| DELETE /collections/{c} (If-Match) | → 204: to the trash |
| POST /collections/{c}/restore (If-Match) | → Collection: out of the trash |
| POST /collections/{c}/purge (If-Match) | → 204: for good |
| POST /collections/{c}/copy | CopyCollection → 201 Collection |
| POST /collections/{c}/transfer (If-Match) | TransferCollection → Collection |
| PUT, DELETE /collections/{c}/vote | → Collection |
| GET /collections/{c}/entries `?limit≤1000&cursor&revision&fields=full or lean` | → Page[Entry] or Page[LeanEntry] |
| POST /collections/{c}/entries (If-Match) | AddEntries → Batch; atomic and refused: 409/422/404 RefusedBatch |
| POST /collections/{c}/entries `?atomic&report` (If-Match), application/x-ndjson | lines → lines, see bulk.py |
| PATCH /collections/{c}/entries (If-Match) | UpdateEntries → Batch |
| POST /collections/{c}/entries/remove (If-Match) | RemoveEntries → Batch |
| POST /collections/{c}/entries/move (If-Match) | MoveEntries → Batch |
| GET /collections/{c}/entries/{e} | → Entry |
| PATCH /collections/{c}/entries/{e} (If-Match) | EntryUpdate → Entry, ETag |
| DELETE /collections/{c}/entries/{e} (If-Match) | → 204, ETag |
| GET /collections/{c}/revisions `?limit&cursor` | → Page[Revision], newest first |
| GET /collections/{c}/revisions/{rev} | → CollectionAt; `rev` is a number or a name |
| POST /collections/{c}/revisions/{rev}/restore (If-Match) | Why? → Collection |
| GET /collections/{c}/diff `?from&to` | → Diff |
| GET /collections/{c}/names | → Page[NamedRevision] |
| PUT /collections/{c}/names/{name} | NameRevision? → NamedRevision |
| DELETE /collections/{c}/names/{name} | → 204 |
| POST /collections/{c}/undo (If-Match) | Why? → Collection |
| GET /collections/{c}/compare/{c} | → SetSizes |
| GET /collections/{c}/history `?limit&cursor` (events.py) | → Page[Event], newest first |
| GET /collections/{c}/export `?format=jsonl or csv&revision` (bulk.py) | → a stream of ExportedEntry lines |
| POST /collections/{c}/import `?atomic&report` (If-Match), application/x-ndjson or text/csv | lines → lines (bulk.py) |
| GET /items/{id}/collections `?limit&cursor` | → Page[Collection] that hold the item |
| GET /events `?after&limit&collection&verb` (events.py) | → Feed |
| GET /events/stream `?after&collection&verb` (events.py) | → server-sent events, `id:` is the cursor |

If-Match takes the ETag, `"<revision>"`; another revision by now: 412. Every change takes `X-Pinakes-Reason` (or
`reason` in its body) and answers with the new ETag. Every POST takes `Idempotency-Key` (see idempotency.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import Path, Query, Request, Response

from pinakes.api import collections as api
from pinakes.api.common import MAX_INT4, STORABLE, AccountName, ItemAddress, Page
from pinakes.server import paging
from pinakes.server.actor import Actor
from pinakes.server.catalog import service as catalog
from pinakes.server.collections import entries, revisions, selections, service as collections, sets
from pinakes.server.collections.types import (
    Addition,
    Batch,
    Collection,
    EntryChange,
    FieldChanges,
    ItemRef,
    Listing,
    Where,
)
from pinakes.server.db import Tx
from pinakes.server.errors import Invalid, PinakesError
from pinakes.server.state import request_id_of, state_of
from pinakes.server.wires.native import bulk, encode
from pinakes.server.wires.native._changes import Change, Changing, CollectionRef, Matching
from pinakes.server.wires.native._releases import spelled
from pinakes.server.wires.native._shared import After, Limit
from pinakes.server.wires.native.auth import By
from pinakes.server.wires.native.errors import describe, errors, router as make_router, status_of

router = make_router("collections")

CollectionsLimit = Annotated[int, Query(ge=1, le=100, description="How many rows at most.")]
Heads = Annotated[int, Query(ge=0, le=20, description="Show the first so many entries of each.")]
Trashed = Annotated[bool, Query(description="Those in the trash that you may bring back.")]
FirstEntries = Annotated[int, Query(ge=0, le=1000, description="Show the first so many entries.")]
EntryRef = Annotated[str, Path(pattern=r"^[0-9a-f]{24}$", description="The entry's id.")]
RevisionPath = Annotated[
    str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", description="A revision's number or name.")
]
NamePath = Annotated[
    str,
    Path(
        pattern=r"^(?:[A-Za-z][A-Za-z0-9._-]*|[0-9]+[A-Za-z._-][A-Za-z0-9._-]*)$",
        max_length=64,
        description="A name: letters, digits, `.`, `_`, `-`, not digits only.",
    ),
]
RevisionQuery = Annotated[
    str | None,
    Query(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", description="A revision's number or name, instead of now."),
]
ItemPath = Annotated[int, Path(ge=1, le=MAX_INT4, description="The item's number.")]
ItemQuery = Annotated[
    str,
    STORABLE,
    Query(
        max_length=600,
        pattern=r"^(?:[1-9][0-9]{0,9}|(?:model|dataset|space|paper|bucket|reference|collection):[^\u0000]+)$",
    ),
]
SearchText = Annotated[str, STORABLE, Query(max_length=500, pattern=r"^[^\u0000]*$")]
TagQuery = Annotated[str, STORABLE, Query(min_length=1, max_length=64, pattern=r"^[^\u0000]+$")]

_CONFLICT = errors(409)
_CHANGED = errors(409, 412)
_NO_CONTENT: dict[str, Any] = {"status_code": 204, "response_class": Response}


# ----------------------------------------------------------------------------------------------------------------------
# Collections
# ----------------------------------------------------------------------------------------------------------------------


@router.get("/collections", response_model=Page[api.Collection])
async def list_collections(
    request: Request,
    actor: By,
    owner: Annotated[list[AccountName] | None, Query(description="Any of these owners.")] = None,
    item: Annotated[
        list[ItemQuery] | None, Query(description="Any of these items: a number, or `kind:address`.")
    ] = None,
    tag: Annotated[list[TagQuery] | None, Query(description="All of these tags.")] = None,
    kind: api.CollectionKind | None = None,
    q: Annotated[SearchText | None, Query(description="These words in the title or description.")] = None,
    sort: api.CollectionSort = "lastModified",
    trashed: Trashed = False,  # noqa: FBT002 - a parameter of the query
    heads: Annotated[Heads, Query(alias="entries")] = 0,
    limit: CollectionsLimit = 20,
    cursor: After = None,
) -> Response:
    """List the collections that you may see. `sort=position` needs exactly one owner."""
    listing = Listing(
        owners=list(owner) if owner else None,
        items=[_item(text) for text in item] if item else None,
        tags=list(tag) if tag else None,
        kind=kind,
        text=q or None,
        trashed=trashed,
        sort=sort,
    )
    async with state_of(request).db.reading() as tx:
        page = await collections.list_collections(tx, actor, listing, limit=limit, cursor=cursor)
        first = await collections.heads(tx, actor, [row.id for row in page.rows], heads) if heads and page.rows else {}
    return _answer_page(page, request, actor, first)


@router.post("/collections", status_code=201, response_model=api.Collection, responses=_CONFLICT)
async def create_collection(request: Request, change: Changing, body: api.CreateCollection) -> Response:
    """Make a collection, with its first entries if you give some. A title that is taken: 409, with the `slug`."""

    async def work(tx: Tx) -> Response:
        made = await _make(tx, change, body)
        if body.items:
            batch = await entries.add(
                tx, change.actor, made.public_id, _additions(body.items), atomic=True, reason=change.reason(body.reason)
            )
            _check_first_entries(batch)
            made = await collections.get(tx, change.actor, made.public_id)
        return _answer(made, request, change.actor, status=201)

    return await change.write(work)


async def _make(tx: Tx, change: Change, body: api.CreateCollection) -> Collection:
    """Make a collection without entries: a showcase, or a selection of a project."""
    why = change.reason(body.reason)
    if body.project is None:
        return await collections.create(
            tx,
            change.actor,
            owner=body.owner,
            title=body.title,
            description=body.description,
            visibility=body.visibility,
            theme=body.theme,
            tags=body.tags,
            kind=body.kind,
            reason=why,
        )
    with spelled(name="title"):
        made = await selections.create(
            tx,
            change.actor,
            body.project,
            body.title,
            description=body.description,
            search_key=body.search_key,
            reason=why,
        )
    if not body.tags:
        return await collections.get(tx, change.actor, made.public_id)
    return await collections.update(tx, change.actor, made.public_id, FieldChanges(tags=body.tags), reason=why)


@router.get("/collections/{collection}", response_model=api.Collection)
async def get_collection(request: Request, actor: By, collection: CollectionRef, entries: FirstEntries = 0) -> Response:
    """Show a collection, with its first entries if you ask for some."""
    async with state_of(request).db.reading() as tx:
        found = await collections.get(tx, actor, collection)
        first = await _first(tx, actor, found, entries) if entries else None
    return encode.answer(_show(found, request, actor, first), revision=found.revision)


@router.patch("/collections/{collection}", response_model=api.Collection, responses=_CHANGED)
async def update_collection(
    request: Request, change: Matching, collection: CollectionRef, body: api.UpdateCollection
) -> Response:
    """Change a collection's own fields. The slug follows the title; former slugs still find it."""
    values = FieldChanges(**body.model_dump(exclude={"reason"}))

    async def work(tx: Tx) -> Response:
        changed = await collections.update(
            tx, change.actor, collection, values, expected=change.expected, reason=change.reason(body.reason)
        )
        return _answer(changed, request, change.actor)

    return await change.write(work)


@router.delete("/collections/{collection}", responses=_CHANGED, **_NO_CONTENT)
async def delete_collection(change: Matching, collection: CollectionRef) -> Response:
    """Put a collection into the trash, from where it can be restored until it is purged."""

    async def work(tx: Tx) -> Response:
        await collections.delete(tx, change.actor, collection, expected=change.expected, reason=change.reason())
        return encode.empty()

    return await change.write(work)


@router.post("/collections/{collection}/restore", response_model=api.Collection, responses=_CHANGED)
async def restore_collection(
    request: Request, change: Matching, collection: CollectionRef, body: api.Why | None = None
) -> Response:
    """Bring a collection back from the trash, with its entries, notes, order and address."""

    async def work(tx: Tx) -> Response:
        reason = change.reason(body.reason if body else None)
        found = await collections.restore(tx, change.actor, collection, expected=change.expected, reason=reason)
        return _answer(found, request, change.actor)

    return await change.write(work)


@router.post("/collections/{collection}/purge", responses=_CHANGED, **_NO_CONTENT)
async def purge_collection(change: Matching, collection: CollectionRef) -> Response:
    """Forget a collection in the trash for good, with its history."""

    async def work(tx: Tx) -> Response:
        await collections.purge(tx, change.actor, collection, expected=change.expected)
        return encode.empty()

    return await change.write(work)


@router.post("/collections/{collection}/copy", status_code=201, response_model=api.Collection, responses=_CONFLICT)
async def copy_collection(
    request: Request, change: Changing, collection: CollectionRef, body: api.CopyCollection
) -> Response:
    """Make a new collection of what this one holds, or held at a revision, as far as you see it."""

    async def work(tx: Tx) -> Response:
        number = await _number(tx, change.actor, collection, body.revision)
        made = await collections.copy(
            tx,
            change.actor,
            collection,
            owner=body.owner,
            title=body.title,
            visibility=body.visibility,
            revision=number,
        )
        return _answer(made, request, change.actor, status=201)

    return await change.write(work)


@router.post("/collections/{collection}/transfer", response_model=api.Collection, responses=_CHANGED)
async def transfer_collection(
    request: Request, change: Matching, collection: CollectionRef, body: api.TransferCollection
) -> Response:
    """Give a collection to another owner; its former address still finds it."""

    async def work(tx: Tx) -> Response:
        given = await collections.transfer(
            tx, change.actor, collection, body.owner, expected=change.expected, reason=change.reason(body.reason)
        )
        return _answer(given, request, change.actor)

    return await change.write(work)


@router.put("/collections/{collection}/vote", response_model=api.Collection, responses=_CONFLICT)
async def upvote_collection(request: Request, change: Changing, collection: CollectionRef) -> Response:
    """Upvote a collection. One vote a person; repeating it is safe."""
    return await _vote(request, change, collection, on=True)


@router.delete("/collections/{collection}/vote", response_model=api.Collection, responses=_CONFLICT)
async def take_vote_back(request: Request, change: Changing, collection: CollectionRef) -> Response:
    """Take an upvote back."""
    return await _vote(request, change, collection, on=False)


@router.get("/collections/{collection}/compare/{other}", response_model=api.SetSizes)
async def compare_collections(request: Request, actor: By, collection: CollectionRef, other: CollectionRef) -> Response:
    """Count what two collections have together and apart, of the items that you see."""
    async with state_of(request).db.reading() as tx:
        return encode.answer(await sets.sizes(tx, actor, collection, other))


@router.get("/items/{item}/collections", response_model=Page[api.Collection])
async def list_collections_with_item(
    request: Request, actor: By, item: ItemPath, limit: CollectionsLimit = 20, cursor: After = None
) -> Response:
    """List the collections that hold an item, the last changed first."""
    async with state_of(request).db.reading() as tx:
        await catalog.get_item(tx, actor, item)
        listing = Listing(items=[ItemRef(item_id=item)])
        page = await collections.list_collections(tx, actor, listing, limit=limit, cursor=cursor)
    return _answer_page(page, request, actor, {})


# ----------------------------------------------------------------------------------------------------------------------
# Entries
# ----------------------------------------------------------------------------------------------------------------------


@router.get("/collections/{collection}/entries", response_model=Page[api.Entry] | Page[api.LeanEntry])
async def list_entries(
    request: Request,
    actor: By,
    collection: CollectionRef,
    limit: Limit = 100,
    cursor: After = None,
    revision: RevisionQuery = None,
    fields: Literal["full", "lean"] = "full",
    item: Annotated[
        ItemQuery | None,
        Query(description="This item's entry alone (a number, or `kind:address`), of now: a page of one or of none."),
    ] = None,
) -> Response:
    """List a collection's entries in order, of now or as they were. A deep page costs what the first one costs."""
    if item is not None and revision is not None:
        message = "An item's entry can be asked for as it is now only: leave out `item` or `revision`."
        raise Invalid(message, field="revision")
    async with state_of(request).db.reading() as tx:
        if item is not None:
            one = await entries.of_item(tx, actor, collection, _item(item))
            page = paging.Page([one] if one is not None else [])
        else:
            number = await _number(tx, actor, collection, revision)
            page = await entries.page(tx, actor, collection, limit=limit, cursor=cursor, revision=number)
    return encode.answer(encode.page(page, encode.entry if fields == "full" else encode.lean_entry))


@router.post(
    "/collections/{collection}/entries",
    response_model=api.Batch,
    responses={**bulk.RESPONSES, **_CHANGED, **bulk.REFUSED},
    openapi_extra={"requestBody": bulk.request_body(api.AddEntries)},
)
async def add_entries(
    request: Request,
    change: Matching,
    collection: CollectionRef,
    options: bulk.Options,
) -> Response:
    """Add items. As JSON: up to 10,000, anywhere. As JSON lines: up to a million, at the end, with progress.

    Each line has an outcome of its own: `added`, `duplicate`, `unknown` (no such item, or none that you see) or
    `invalid`. With `atomic`, one that is not `added` undoes them all, and the good ones are `not_applied`.
    """
    if bulk.is_lines(request):
        return await bulk.add(request, change, collection, options)
    body = await bulk.decode(request, api.AddEntries)

    async def work(tx: Tx) -> Response:
        batch = await entries.add(
            tx,
            change.actor,
            collection,
            _additions(body.items),
            where=Where(body.position, body.before, body.after),
            atomic=body.atomic or options.atomic,
            expected=change.expected,
            reason=change.reason(body.reason),
        )
        return _answer_batch(request, batch)

    return await change.write(work)


@router.patch("/collections/{collection}/entries", response_model=api.Batch, responses={**_CHANGED, **bulk.REFUSED})
async def update_entries(
    request: Request, change: Matching, collection: CollectionRef, body: api.UpdateEntries
) -> Response:
    """Change notes, scores and positions of many entries, as one change of the collection."""
    changes = [EntryChange(row.entry, row.note, row.position, row.score) for row in body.entries]

    async def work(tx: Tx) -> Response:
        batch = await entries.update(
            tx,
            change.actor,
            collection,
            changes,
            atomic=body.atomic,
            expected=change.expected,
            reason=change.reason(body.reason),
        )
        return _answer_batch(request, batch)

    return await change.write(work)


@router.post(
    "/collections/{collection}/entries/remove", response_model=api.Batch, responses={**_CHANGED, **bulk.REFUSED}
)
async def remove_entries(
    request: Request, change: Matching, collection: CollectionRef, body: api.RemoveEntries
) -> Response:
    """Take many entries out. The items themselves are not touched."""

    async def work(tx: Tx) -> Response:
        batch = await entries.remove(
            tx,
            change.actor,
            collection,
            body.entries,
            atomic=body.atomic,
            expected=change.expected,
            reason=change.reason(body.reason),
        )
        return _answer_batch(request, batch)

    return await change.write(work)


@router.post("/collections/{collection}/entries/move", response_model=api.Batch, responses=_CHANGED)
async def move_entries(
    request: Request, change: Matching, collection: CollectionRef, body: api.MoveEntries
) -> Response:
    """Move entries together, in the order that you give, to one place: all of them, or none when one is unknown."""

    async def work(tx: Tx) -> Response:
        batch = await entries.move(
            tx,
            change.actor,
            collection,
            body.entries,
            Where(body.position, body.before, body.after),
            expected=change.expected,
            reason=change.reason(body.reason),
        )
        return _answer_batch(request, batch)

    return await change.write(work)


@router.get("/collections/{collection}/entries/{entry:entry}", response_model=api.Entry)
async def get_entry(request: Request, actor: By, collection: CollectionRef, entry: EntryRef) -> Response:
    """Show one entry."""
    async with state_of(request).db.reading() as tx:
        return encode.answer(encode.entry(await entries.get(tx, actor, collection, entry)))


@router.patch("/collections/{collection}/entries/{entry:entry}", response_model=api.Entry, responses=_CHANGED)
async def update_entry(change: Matching, collection: CollectionRef, entry: EntryRef, body: api.EntryUpdate) -> Response:
    """Change one entry's note, score or position. An empty note removes the note."""

    async def work(tx: Tx) -> Response:
        batch = await entries.update(
            tx,
            change.actor,
            collection,
            [EntryChange(entry, body.note, body.position, body.score)],
            expected=change.expected,
            reason=change.reason(body.reason),
        )
        batch.checked()
        found = await entries.get(tx, change.actor, collection, entry)
        return encode.answer(encode.entry(found), revision=batch.revision)

    return await change.write(work)


@router.delete("/collections/{collection}/entries/{entry:entry}", responses=_CHANGED, **_NO_CONTENT)
async def remove_entry(change: Matching, collection: CollectionRef, entry: EntryRef) -> Response:
    """Take one entry out. The item itself is not touched."""

    async def work(tx: Tx) -> Response:
        batch = await entries.remove(
            tx, change.actor, collection, [entry], expected=change.expected, reason=change.reason()
        )
        return encode.empty(revision=batch.checked().revision)

    return await change.write(work)


# ----------------------------------------------------------------------------------------------------------------------
# Revisions
# ----------------------------------------------------------------------------------------------------------------------


@router.get("/collections/{collection}/revisions", response_model=Page[api.Revision])
async def list_revisions(
    request: Request, actor: By, collection: CollectionRef, limit: Limit = 50, cursor: After = None
) -> Response:
    """List a collection's revisions, newest first, each with the change that made it and its names."""
    async with state_of(request).db.reading() as tx:
        page = await revisions.list_revisions(tx, actor, collection, limit=limit, cursor=cursor)
    return encode.answer(encode.page(page, _same))


@router.get("/collections/{collection}/revisions/{revision}", response_model=api.CollectionAt)
async def get_revision(request: Request, actor: By, collection: CollectionRef, revision: RevisionPath) -> Response:
    """Show a collection's own fields as they were; `GET …/entries?revision=` shows its entries."""
    async with state_of(request).db.reading() as tx:
        return encode.answer(encode.collection_at(await revisions.at(tx, actor, collection, revision)))


@router.post(
    "/collections/{collection}/revisions/{revision}/restore", response_model=api.Collection, responses=_CHANGED
)
async def restore_revision(
    request: Request, change: Matching, collection: CollectionRef, revision: RevisionPath, body: api.Why | None = None
) -> Response:
    """Make a collection what it was: entries, order, notes and its own fields. That is a new revision."""

    async def work(tx: Tx) -> Response:
        restored = await revisions.restore(
            tx,
            change.actor,
            collection,
            revision,
            expected=change.expected,
            reason=change.reason(body.reason if body else None),
        )
        return _answer(restored, request, change.actor)

    return await change.write(work)


@router.post("/collections/{collection}/undo", response_model=api.Collection, responses=_CHANGED)
async def undo(request: Request, change: Matching, collection: CollectionRef, body: api.Why | None = None) -> Response:
    """Take the last change back; again takes the one before back, and so on."""

    async def work(tx: Tx) -> Response:
        reason = change.reason(body.reason if body else None)
        undone = await revisions.undo(tx, change.actor, collection, expected=change.expected, reason=reason)
        return _answer(undone, request, change.actor)

    return await change.write(work)


@router.get("/collections/{collection}/diff", response_model=api.Diff)
async def compare_revisions(
    request: Request,
    actor: By,
    collection: CollectionRef,
    older: Annotated[RevisionQuery, Query(alias="from")] = None,
    newer: Annotated[RevisionQuery, Query(alias="to")] = None,
    limit: Limit = 100,
    cursor: After = None,
) -> Response:
    """Compare two revisions: without `to`, with what is now; without `from`, with what was just before `to`."""
    async with state_of(request).db.reading() as tx:
        found = await collections.get(tx, actor, collection)
        second = await _number(tx, actor, collection, newer) or found.revision
        first = await _number(tx, actor, collection, older) or max(second - 1, 1)
        diff = await revisions.diff(tx, actor, collection, first, second, limit=limit, cursor=cursor)
    return encode.answer(encode.diff(found.id, diff))


@router.get("/collections/{collection}/names", response_model=Page[api.NamedRevision])
async def list_names(request: Request, actor: By, collection: CollectionRef) -> Response:
    """List the names that people gave to revisions of a collection."""
    async with state_of(request).db.reading() as tx:
        return encode.answer({"rows": await revisions.names(tx, actor, collection), "next": None})


@router.put("/collections/{collection}/names/{name}", response_model=api.NamedRevision, responses=_CONFLICT)
async def name_revision(
    change: Changing, collection: CollectionRef, name: NamePath, body: api.NameRevision | None = None
) -> Response:
    """Give a revision a name to cite it by; the present one, if you give none."""

    async def work(tx: Tx) -> Response:
        revision = body.revision if body else None
        return encode.answer(await revisions.name(tx, change.actor, collection, name, revision))

    return await change.write(work)


@router.delete("/collections/{collection}/names/{name}", responses=_CONFLICT, **_NO_CONTENT)
async def unname_revision(change: Changing, collection: CollectionRef, name: NamePath) -> Response:
    """Take a name back from its revision."""

    async def work(tx: Tx) -> Response:
        await revisions.unname(tx, change.actor, collection, name)
        return encode.empty()

    return await change.write(work)


# ----------------------------------------------------------------------------------------------------------------------
# Shared by the handlers
# ----------------------------------------------------------------------------------------------------------------------


async def _vote(request: Request, change: Change, collection: str, *, on: bool) -> Response:
    async def work(tx: Tx) -> Response:
        return _answer(await collections.vote(tx, change.actor, collection, on), request, change.actor)

    return await change.write(work)


async def _first(tx: Tx, actor: Actor, found: Collection, count: int) -> list[Any]:
    return await entries.entries_behind(tx, actor, found.id, after=None, limit=count)


async def _number(tx: Tx, actor: Actor, collection: str, revision: int | str | None) -> int | None:
    """Return the number of a revision that is given by number or name; None stays None, which is now."""
    if revision is None:
        return None
    found = await collections.get(tx, actor, collection)
    return await revisions.number_of(tx, found.id, revision, newest=found.revision)


def _item(text: str) -> ItemRef:
    """Read an item of the query string: a number, or `kind:address`.

    Raises:
        Invalid: it can be no address of that kind.
    """
    kind, colon, address = text.partition(":")
    if colon and (problem := catalog.malformed(kind, address, "item")) is not None:
        raise problem
    return ItemRef(kind=kind, address=address) if colon else ItemRef(item_id=min(int(kind), MAX_INT4))


def _additions(rows: list[api.NewEntry]) -> list[Addition]:
    return [Addition(_ref(row.item), row.note, row.score) for row in rows]


def _ref(item: int | ItemAddress) -> ItemRef:
    return ItemRef(item_id=item) if isinstance(item, int) else ItemRef(kind=item.kind, address=item.address)


def _check_first_entries(batch: Batch) -> None:
    """Raise the first error among a new collection's first entries, saying which one it is."""
    for at, result in enumerate(batch.results):
        if result.error is not None:
            result.error.field = f"items.{at}.{result.error.field or 'item'}"
            raise result.error


def _show(found: Collection, request: Request, actor: Actor, first: list[Any] | None = None) -> encode.Json:
    return encode.collection(found, actor, state_of(request).settings.public_url, first)


def _answer_page(
    page: paging.Page[Collection], request: Request, actor: Actor, first: Mapping[int, list[Any]]
) -> Response:
    base_url, allowed = state_of(request).settings.public_url, encode.Allowed()
    rows = [encode.collection(row, actor, base_url, first.get(row.id), listed=allowed) for row in page.rows]
    return encode.answer({"rows": rows, "next": page.next})


def _answer(found: Collection, request: Request, actor: Actor, *, status: int = 200) -> Response:
    return encode.answer(_show(found, request, actor), status=status, revision=found.revision)


def _answer_batch(request: Request, batch: Batch) -> Response:
    """Answer with what became of each line; an atomic batch that was refused has the status of its first error."""
    request_id = request_id_of(request)
    body = encode.batch(batch, request_id)
    refusal: PinakesError | None = None
    if not batch.applied:
        refusal = next((result.error for result in batch.results if result.error is not None), None)
    if refusal is None:
        return encode.answer(body, revision=batch.revision)
    return encode.answer({"error": describe(refusal, request_id), **body}, status=status_of(refusal))


def _same(row: object) -> object:
    """Leave a row as it is: its dataclass has the names that the contract has."""
    return row
