"""Putting items of media into a dataset: of files that the account knows, of links, and of other items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pinakes.server.actor import Actor
from pinakes.server.catalog import datasets, media_checks as checks
from pinakes.server.catalog.media_reading import SQL, get_many
from pinakes.server.catalog.media_types import KIND_OF, FileFacts, Media, NewMedia, Refused, Source, Target
from pinakes.server.db import Tx, json
from pinakes.server.errors import DatasetNotFound, Invalid, NameTaken
from pinakes.server.events import service as events
from pinakes.server.paging import INT4
from pinakes.server.permissions.service import require, sight, works_for
from pinakes.server.permissions.table import Permission
from pinakes.server.tasks import defer_each

MAKE_THUMBNAILS = "catalog.make_thumbnails"

# So many items are one job of making thumbnails.
_A_JOB = 200
_SHOWN = 1000

_NOUNS = {"image": "an image", "video": "a video", "point_cloud": "a point cloud", "volume": "a volume"}

_Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class _Batch:
    """What is about to be put into a dataset: its rows by their places, and what can't be."""

    target: Target
    kind: str
    rows: dict[int, _Row]
    refused: dict[int, Refused]


@dataclass(frozen=True, slots=True)
class _Known:
    """What items can be made of: files of the account, other items, and links, which may lead into private networks."""

    kind: str
    files: Mapping[bytes, FileFacts]
    sources: Mapping[int, Source]
    private: bool


async def add(tx: Tx, actor: Actor, dataset_id: int, new: Sequence[NewMedia], *, private: bool = False) -> list[Media]:
    """Put items into a dataset, in their order: all of them, or none.

    With `private`, links may lead into the server's own network.

    Raises:
        DatasetNotFound: there is none that the actor sees.
        Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not write there.
        NameTaken: names are taken; `details.errors` has each with the item that has it ({name, id}).
        Invalid: some can't be; `details.errors` says which and why ({index, name, message}).
    """
    batch = await _prepared(tx, actor, dataset_id, new, private=private)
    if batch.refused:
        raise _refusal(batch)
    return list((await _made(tx, actor, batch)).values())


async def add_each(
    tx: Tx, actor: Actor, dataset_id: int, new: Sequence[NewMedia], *, private: bool = False
) -> list[Media | Refused]:
    """Put those of the items into a dataset that can be, and say of each other one why not; in their order.

    With `private`, links may lead into the server's own network.

    Raises:
        DatasetNotFound: there is none that the actor sees.
        Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not write there.
        Invalid: too many in one call.
    """
    batch = await _prepared(tx, actor, dataset_id, new, private=private)
    made = await _made(tx, actor, batch)
    return [batch.refused[place] if place in batch.refused else made[place] for place in range(len(new))]


async def copy(
    tx: Tx, actor: Actor, item_ids: Sequence[int], dataset_id: int, *, names: Mapping[int, str] | None = None
) -> list[Media]:
    """Put copies of items into a dataset, under their names or new ones; labels don't come along.

    Into another account's project they go once that account knows the files (`media_files.share`).

    Raises:
        DatasetNotFound, Unauthenticated, Forbidden, ScopeTooNarrow, NameTaken, Invalid: as `add`.
    """
    named = names or {}
    new = [NewMedia(named.get(item_id, ""), copy_of=item_id) for item_id in item_ids]
    return await add(tx, actor, dataset_id, new)


async def _prepared(tx: Tx, actor: Actor, dataset_id: int, new: Sequence[NewMedia], *, private: bool) -> _Batch:
    """Hold a dataset, and find out what of a batch can be put into it."""
    checks.at_once(len(new), "items")
    target = await _hold_target(tx, actor, dataset_id)
    kind = KIND_OF[target.data_type]
    sources = await _sources(tx, actor, [item.copy_of for item in new if item.copy_of is not None])
    hashes = {item.sha256 for item in new} | {source.sha256 for source in sources.values()}
    files = await tx.all(
        SQL.known_in, FileFacts, account_id=target.owner_id, hashes=[one for one in hashes if one is not None]
    )
    known = _Known(kind, {file.sha256: file for file in files}, sources, private)
    batch = _Batch(target, kind, {}, {})
    for place, item in enumerate(new):
        try:
            batch.rows[place] = _row(place, item, known)
        except Invalid as error:
            batch.refused[place] = Refused(place, item.name, error.message, field=error.field)
    await _refuse_taken(tx, batch)
    return batch


async def _hold_target(tx: Tx, actor: Actor, dataset_id: int) -> Target:
    target = await tx.one(SQL.hold_target, Target, id=dataset_id) if checks.some_ids([dataset_id]) else None
    if target is None:
        raise DatasetNotFound(field="dataset")
    by_work = works_for(actor, target.owner_id) and bool(await datasets.get_many(tx, actor, [target.id]))
    require(
        actor,
        Permission.PROJECT_WRITE,
        owner_id=target.owner_id,
        visibility=target.visibility,
        missing=DatasetNotFound,
        seen=by_work,
    )
    return target


async def _sources(tx: Tx, actor: Actor, ids: Sequence[int]) -> dict[int, Source]:
    if not ids:
        return {}
    seen = sight(actor)
    found = await tx.all(
        SQL.copy_sources,
        Source,
        ids=checks.some_ids(ids),
        everything=seen.everything,
        accounts=seen.accounts,
        at_work=seen.at_work,
        worker=seen.worker,
    )
    return {source.id: source for source in found}


async def _refuse_taken(tx: Tx, batch: _Batch) -> None:
    """Refuse the rows whose names are taken, by items that are there or by others of the batch."""
    names: set[str] = set()
    for place, row in list(batch.rows.items()):
        name = str(row["name"])
        if name in names:
            message = f"Another one of these items is called {name!r}, too."
            _refuse(batch, place, message, None)
        names.add(name)
    target = batch.target
    taken = await tx.rows(
        SQL.media_in_the_way,
        kind=batch.kind,
        owner_id=target.owner_id,
        project_id=target.project_id,
        name_keys=[f"{target.id}/{name}" for name in names],
        but=[],
    )
    others = dict(taken)
    for place, row in list(batch.rows.items()):
        if row["name"] in others:
            _refuse(batch, place, f"There is {_NOUNS[batch.kind]} called {row['name']!r} already.", others[row["name"]])


def _refuse(batch: _Batch, place: int, message: str, number: int | None) -> None:
    name = str(batch.rows.pop(place)["name"])
    batch.refused[place] = Refused(place, name, message, taken=True, id=number)


def _refusal(batch: _Batch) -> NameTaken | Invalid:
    """Make the error of a batch that must be whole."""
    refused = [batch.refused[place] for place in sorted(batch.refused)]
    if all(one.taken for one in refused):
        clashes = [{"name": one.name, "id": one.id} for one in refused]
        return NameTaken(refused[0].message, field="name", details={"errors": clashes})
    first = next(one for one in refused if not one.taken)
    others = f" ({len(refused)} items can't be added.)" if len(refused) > 1 else ""
    errors = [{"index": one.index, "name": one.name, "message": one.message} for one in refused[:_SHOWN]]
    field = "link" if first.field == "link" else "items"
    return Invalid(f"{first.name[:80]!r}: {first.message}{others}", field=field, details={"errors": errors})


async def _made(tx: Tx, actor: Actor, batch: _Batch) -> dict[int, Media]:
    """Make the items of a batch, by their places; the dataset counts them, and it is written down."""
    if not batch.rows:
        return {}
    target, places = batch.target, sorted(batch.rows)
    rows = [batch.rows[place] for place in places]
    await tx.patiently_for(len(rows))
    ids = await tx.all(
        SQL.create_media,
        int,
        rows=json(rows),
        kind=batch.kind,
        owner_id=target.owner_id,
        project_id=target.project_id,
        dataset_id=target.id,
        visibility=target.visibility,
        created_by=actor.user_id,
    )
    sizes = [size for row in rows if isinstance(size := row["size"], int)]
    await tx.run(SQL.count_in, id=target.id, count=len(ids), size=sum(sizes))
    after = {"dataset": target.id, "count": len(ids)}
    await events.record(tx, actor, "media.added", account_id=target.owner_id, item_id=target.project_id, after=after)
    wanted = [number for number, row in zip(ids, rows, strict=True) if row["sha256"] is not None]
    jobs = [{"item_ids": wanted[start : start + _A_JOB]} for start in range(0, len(wanted), _A_JOB)]
    await defer_each(tx, MAKE_THUMBNAILS, jobs)
    return dict(zip(places, await get_many(tx, actor, ids), strict=True))


def _row(place: int, item: NewMedia, known: _Known) -> _Row:
    """Return the row of a new item.

    Raises:
        Invalid: it can't be one; the message says why.
    """
    if sum(one is not None for one in (item.sha256, item.link, item.copy_of)) != 1:
        message = "An item is made of a file (by its hash), of a link, or of another item: of one of them."
        raise Invalid(message)
    if item.parent_id is not None and item.parent_id not in INT4:
        message = "The item that it was made from is none."
        raise Invalid(message)
    row: _Row = {
        "place": place,
        "description": checks.text(item.description, "description"),
        "meta": checks.plain_json(item.meta, "meta"),
        "custom_data": checks.plain_json(item.custom_data, "custom_data"),
        "parent_id": item.parent_id,
        "has_thumbnail": False,
    }
    if item.copy_of is not None:
        row |= _of_item(item, item.copy_of, known, row)
    elif item.sha256 is not None:
        row |= {"name": checks.media_name(item.name)} | _of_file(item, item.sha256, known)
    else:
        assert item.link is not None
        row |= {"name": checks.media_name(item.name)} | _of_link(item, item.link, private=known.private)
    mime = row["mime"]
    if reason := checks.suits(str(row["name"]), mime if isinstance(mime, str) else None):
        raise Invalid(reason)
    return row


def _of_file(item: NewMedia, sha256: bytes, known: _Known) -> _Row:
    file = known.files.get(sha256)
    if file is None:
        message = f"No file of the SHA-256 {sha256.hex()} is known here: send it first."
        raise Invalid(message)
    found = file.facts.get("kind")
    if found != known.kind:
        reason = file.facts.get("refused") or f"Its file is {_NOUNS[str(found)]}."
        message = f"{reason} This project takes {_NOUNS[known.kind]} only."
        raise Invalid(message)
    facts = {key: value for key, value in file.facts.items() if key != "kind"}
    shown = _stream_of(facts, item.facts.get("stream"))
    return {
        "sha256": sha256.hex(),
        "link": None,
        "mime": file.mime,
        "size": file.size,
        "width": shown.get("width"),
        "height": shown.get("height"),
        "frames": shown.get("frames"),
        "facts": facts,
    }


def _stream_of(facts: _Row, index: object) -> Mapping[str, object]:
    """Return the stream of a video that an item is of; where none is said, the first of pictures."""
    if index is None:
        return facts
    streams = facts.get("streams")
    for stream in streams if isinstance(streams, list) else ():
        if stream.get("index") == index and stream.get("codec_type") == "video":
            return stream
    message = f"Its file has no stream of pictures of number {str(index)[:20]}."
    raise Invalid(message)


def _of_link(item: NewMedia, link: str, *, private: bool) -> _Row:
    facts = checks.plain_json(item.facts, "facts")
    mime = facts.get("mime")
    return {
        "sha256": None,
        "link": checks.link(link, private=private),
        "mime": mime if isinstance(mime, str) else checks.promised_mime(item.name),
        "size": None,
        "width": _size(facts.get("width")),
        "height": _size(facts.get("height")),
        "frames": None,
        "facts": {},
    }


def _size(value: object) -> int | None:
    return value if type(value) is int and value > 0 and value in INT4 else None


def _of_item(item: NewMedia, copy_of: int, known: _Known, row: _Row) -> _Row:
    source = known.sources.get(copy_of)
    if source is None:
        message = f"There is no item {copy_of}, or you may not see it."
        raise Invalid(message)
    if source.at_work:
        message = "You see it because you work on it; copying it is not yours to do."
        raise Invalid(message)
    if source.kind != known.kind:
        message = f"It is {_NOUNS[source.kind]}; this project takes {_NOUNS[known.kind]} only."
        raise Invalid(message)
    if source.sha256 is not None and source.sha256 not in known.files:
        message = "Its file is not known in the account that it is copied to."
        raise Invalid(message)
    return {
        "name": checks.media_name(item.name or source.name),
        "sha256": None if source.sha256 is None else source.sha256.hex(),
        "link": source.link,
        "mime": source.mime,
        "size": source.size,
        "width": source.width,
        "height": source.height,
        "frames": source.frames,
        "facts": source.facts,
        "description": row["description"] or source.description,
        "meta": row["meta"] or source.meta,
        "custom_data": row["custom_data"] or source.custom_data,
    }
