"""Live collections, set operations and checks over the native API.

A live collection holds what people pinned, then what its query finds, without what they banned; it is read, and every
change of it is a revision, as with any other. `{c}` is a collection: its id, or its slug's last segment. All below
`/api/v1`; the types are those of `pinakes.api.live`.

| route | body → answer |
| --- | --- |
| GET, PUT, DELETE /collections/{c}/live | → Live; PutLive → Live; → 204: what is in it now stays |
| POST /collections/{c}/live/refresh | → Live |
| POST /collections/{c}/live/pins, …/pins/remove | PinItems, LetItems → Live |
| POST /collections/{c}/live/bans, …/bans/remove | BanItems, LetItems → Live |
| POST /collections/{c}/live/freeze | Freeze → 201 Collection: an ordinary one of what is in it now |
| POST /combinations | Combine → Combined; 201 when it made a collection |
| GET, POST /collections/{c}/checks | → Page[Check]; AddCheck → 201 Check |
| DELETE /collections/{c}/checks/{check} | → 204 |
| POST /collections/{c}/checks/run | → Page[CheckResult] |
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Path, Request, Response

from pinakes.api import collections as collections_api, live as api
from pinakes.api.common import MAX_INT4, ItemAddress, Page
from pinakes.server.actor import Actor
from pinakes.server.collections import checks, combining, service as collections, sets
from pinakes.server.collections.check_types import Check, CheckResult
from pinakes.server.collections.combining import Target
from pinakes.server.collections.live_types import Exempt, Live
from pinakes.server.collections.types import Addition, ItemRef
from pinakes.server.db import Tx
from pinakes.server.search import live
from pinakes.server.state import state_of
from pinakes.server.wires.native import _queues, encode
from pinakes.server.wires.native._changes import Changing, CollectionRef, Matching
from pinakes.server.wires.native._shared import Here
from pinakes.server.wires.native.auth import By
from pinakes.server.wires.native.errors import errors, router as make_router

router = make_router("live collections")

CheckPath = Annotated[int, Path(alias="check", ge=1, le=MAX_INT4, description="The check's number.")]

_CHANGED = errors(409, 412)
_NO_CONTENT: dict[str, Any] = {"status_code": 204, "response_class": Response, "responses": _CHANGED}


# ----------------------------------------------------------------------------------------------------------------------
# Live collections
# ----------------------------------------------------------------------------------------------------------------------


@router.get("/collections/{collection}/live", response_model=api.Live)
async def get_live(state: Here, actor: By, collection: CollectionRef) -> Response:
    """Show how a collection is kept up to date; 404 for an ordinary one."""
    async with state.db.reading() as tx:
        return await _live(tx, actor, await live.get(tx, actor, collection))


@router.put("/collections/{collection}/live", response_model=api.Live, responses=_CHANGED)
async def put_live(change: Matching, collection: CollectionRef, wanted: api.PutLive) -> Response:
    """Make a collection live, or change its query. What an ordinary one holds is pinned."""

    async def work(tx: Tx) -> Response:
        found = await collections.get(tx, change.actor, collection)
        verb = live.follow if found.is_live else live.start
        made = await verb(
            tx,
            change.actor,
            collection,
            query=wanted.query,
            sort=wanted.sort,
            expected=change.expected,
            reason=change.reason(wanted.reason),
        )
        return await _live(tx, change.actor, made)

    return await change.write(work)


@router.delete("/collections/{collection}/live", **_NO_CONTENT)
async def end_live(change: Matching, collection: CollectionRef) -> Response:
    """Keep a collection as it is from now on."""

    async def work(tx: Tx) -> Response:
        await live.end(tx, change.actor, collection, expected=change.expected, reason=change.reason())
        return encode.empty()

    return await change.write(work)


@router.post("/collections/{collection}/live/refresh", response_model=api.Live, responses=_CHANGED)
async def refresh_live(change: Changing, collection: CollectionRef) -> Response:
    """Bring a live collection up to date now. Reading it does so as well, when it is older than a second."""

    async def work(tx: Tx) -> Response:
        return await _live(tx, change.actor, await live.refresh(tx, change.actor, collection))

    return await change.write(work)


@router.post("/collections/{collection}/live/pins", response_model=api.Live, responses=_CHANGED)
async def pin_items(change: Matching, collection: CollectionRef, wanted: api.PinItems) -> Response:
    """Pin items above what the query finds, in this order, behind those that are pinned; all of them, or none."""

    async def work(tx: Tx) -> Response:
        new = [Addition(_ref(one.item), one.note, one.score) for one in wanted.items]
        why = change.reason(wanted.reason)
        done = await live.pin(tx, change.actor, collection, new, expected=change.expected, reason=why)
        return await _live(tx, change.actor, done)

    return await change.write(work)


@router.post("/collections/{collection}/live/pins/remove", response_model=api.Live, responses=_CHANGED)
async def unpin_items(change: Matching, collection: CollectionRef, wanted: api.LetItems) -> Response:
    """Pin items no more; those that the query finds stay, at its place for them."""

    async def work(tx: Tx) -> Response:
        why = change.reason(wanted.reason)
        done = await live.unpin(tx, change.actor, collection, wanted.items, expected=change.expected, reason=why)
        return await _live(tx, change.actor, done)

    return await change.write(work)


@router.post("/collections/{collection}/live/bans", response_model=api.Live, responses=_CHANGED)
async def ban_items(change: Matching, collection: CollectionRef, wanted: api.BanItems) -> Response:
    """Leave items out, whatever the query finds; all of them, or none is banned."""

    async def work(tx: Tx) -> Response:
        refs = [_ref(item) for item in wanted.items]
        why = change.reason(wanted.reason)
        done = await live.ban(tx, change.actor, collection, refs, expected=change.expected, reason=why)
        return await _live(tx, change.actor, done)

    return await change.write(work)


@router.post("/collections/{collection}/live/bans/remove", response_model=api.Live, responses=_CHANGED)
async def unban_items(change: Matching, collection: CollectionRef, wanted: api.LetItems) -> Response:
    """Ban items no more."""

    async def work(tx: Tx) -> Response:
        why = change.reason(wanted.reason)
        done = await live.unban(tx, change.actor, collection, wanted.items, expected=change.expected, reason=why)
        return await _live(tx, change.actor, done)

    return await change.write(work)


def _ref(item: int | ItemAddress) -> ItemRef:
    return ItemRef(item_id=item) if isinstance(item, int) else ItemRef(kind=item.kind, address=item.address)


@router.post(
    "/collections/{collection}/live/freeze",
    status_code=201,
    response_model=collections_api.Collection,
    responses=_CHANGED,
)
async def freeze_live(
    request: Request, change: Changing, collection: CollectionRef, wanted: api.Freeze | None = None
) -> Response:
    """Make an ordinary collection of what a live one holds now."""
    asked = wanted or api.Freeze()

    async def work(tx: Tx) -> Response:
        made = await live.freeze(
            tx, change.actor, collection, title=asked.title, owner=asked.owner, visibility=asked.visibility
        )
        base = state_of(request).settings.public_url
        return encode.answer(encode.collection(made, change.actor, base), status=201, revision=made.revision)

    return await change.write(work)


async def _live(tx: Tx, actor: Actor, found: Live) -> Response:
    return encode.answer(
        {
            "query": found.query,
            "sort": found.sort or None,
            "source": await _source(tx, actor, found.source) if found.source is not None else None,
            "pinned": [_exempt(one) for one in found.pinned],
            "banned": [_exempt(one) for one in found.banned],
            "refreshed_at": found.refreshed_at,
            "failed": found.failed,
            "created_by": found.created_by,
            "created_at": found.created_at,
        }
    )


async def _source(tx: Tx, actor: Actor, source: Mapping[str, Any]) -> dict[str, Any]:
    """Say what a live collection is made of; of a collection that the reader does not see, only that there is one."""
    known = await _queues.public_ids(tx, actor, source["collections"])
    return {"op": source["op"], "collections": [known.get(number) for number in source["collections"]]}


def _exempt(found: Exempt) -> dict[str, Any]:
    return {
        "item": found.item_id,
        "kind": found.kind,
        "address": found.address,
        "title": found.title,
        "note": found.note,
        "reason": found.reason,
        "made_by": found.made_by,
        "made_at": found.made_at,
    }


# ----------------------------------------------------------------------------------------------------------------------
# Set operations
# ----------------------------------------------------------------------------------------------------------------------


@router.post(
    "/combinations",
    response_model=api.Combined,
    responses={**errors(409), 201: {"model": api.Combined, "description": "It made a collection."}},
)
async def combine_collections(request: Request, change: Changing, wanted: api.Combine) -> Response:
    """Unite collections, intersect them, or take all others away from the first: as numbers, or as a collection."""
    actor = change.actor
    if wanted.into == "numbers":
        async with state_of(request).db.reading() as tx:
            found = await sets.combined_sizes(tx, actor, wanted.collections)
        sizes = {
            "sizes": found.sizes,
            "union": found.union,
            "intersection": found.intersection,
            "difference": found.difference,
        }
        return encode.answer({"sizes": sizes, "collection": None})

    async def work(tx: Tx) -> Response:
        verb = combining.combine if wanted.into == "collection" else combining.combine_live
        target = Target(
            title=wanted.title or "",
            kind=wanted.kind,
            owner=wanted.owner,
            project_id=wanted.project,
            description=wanted.description,
            visibility=wanted.visibility,
        )
        made = await verb(tx, actor, wanted.op, wanted.collections, target, reason=change.reason(wanted.reason))
        base = state_of(request).settings.public_url
        shown = encode.collection(made, actor, base)
        return encode.answer({"sizes": None, "collection": shown}, status=201, revision=made.revision)

    return await change.write(work)


# ----------------------------------------------------------------------------------------------------------------------
# Checks
# ----------------------------------------------------------------------------------------------------------------------


@router.get("/collections/{collection}/checks", response_model=Page[api.Check])
async def list_checks(state: Here, actor: By, collection: CollectionRef) -> Response:
    """List the rules that a collection is held against whenever it changes."""
    async with state.db.reading() as tx:
        found = await checks.list_checks(tx, actor, collection)
    return encode.answer({"rows": [_check(one) for one in found], "next": None})


@router.post("/collections/{collection}/checks", status_code=201, response_model=api.Check, responses=_CHANGED)
async def add_check(change: Changing, collection: CollectionRef, wanted: api.AddCheck) -> Response:
    """Hold a collection against a rule from now on: to warn, or to refuse what goes against it (`blocks`)."""

    async def work(tx: Tx) -> Response:
        made = await checks.add(tx, change.actor, collection, wanted.kind, wanted.params, blocks=wanted.blocks)
        return encode.answer(_check(made), status=201)

    return await change.write(work)


@router.delete("/collections/{collection}/checks/{check:int}", **_NO_CONTENT)
async def delete_check(change: Changing, collection: CollectionRef, check: CheckPath) -> Response:
    """Take a rule away."""

    async def work(tx: Tx) -> Response:
        await checks.remove(tx, change.actor, collection, check)
        return encode.empty()

    return await change.write(work)


@router.post("/collections/{collection}/checks/run", response_model=Page[api.CheckResult])
async def run_checks(state: Here, actor: By, collection: CollectionRef) -> Response:
    """Hold the whole collection against all of its rules now, as far as one sees it."""
    async with state.db.reading() as tx:
        found = await checks.run(tx, actor, collection)
    return encode.answer({"rows": [_result(one) for one in found], "next": None})


def _check(found: Check) -> dict[str, Any]:
    return {
        "id": found.id,
        "kind": found.kind,
        "params": found.params,
        "blocks": found.blocks,
        "created_by": found.created_by,
        "created_at": found.created_at,
    }


def _result(found: CheckResult) -> dict[str, Any]:
    return {
        "check": _check(found.check),
        "passed": found.passed,
        "count": found.count,
        "violations": [{"item": one.item_id, "why": one.why} for one in found.violations],
    }
