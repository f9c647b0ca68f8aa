"""Reading items of media: one, many, pages of a dataset or a project, and where their bytes are."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pinakes.server.actor import Actor
from pinakes.server.catalog import datasets, media_checks as checks, media_projects
from pinakes.server.catalog.media_files import SQL as FILES, media_key
from pinakes.server.catalog.media_types import MEDIA_SORTS, FileFacts, KnownFile, Media, MediaBytes, MediaPage
from pinakes.server.db import Part, Tx, load
from pinakes.server.errors import AccountNotFound, FileNotFound, Invalid, MediaNotFound
from pinakes.server.paging import decode_cursor, encode_cursor
from pinakes.server.permissions.service import require, roles_allowing, sight
from pinakes.server.permissions.table import Permission

SQL = load(__package__, "media.sql")

UNKNOWN_TYPE = "application/octet-stream"

_ORDERS = {
    ("id", False): Part("m.item_id"),
    ("id", True): Part("m.item_id desc"),
    ("custom", False): Part("coalesce(m.custom_sort, 'Infinity'::double precision), m.item_id"),
    ("custom", True): Part("coalesce(m.custom_sort, 'Infinity'::double precision) desc, m.item_id desc"),
    ("name", False): Part("i.name, m.item_id"),
    ("name", True): Part("i.name desc, m.item_id desc"),
    ("created_at", False): Part("i.created_at, m.item_id"),
    ("created_at", True): Part("i.created_at desc, m.item_id desc"),
    ("updated_at", False): Part("i.updated_at, m.item_id"),
    ("updated_at", True): Part("i.updated_at desc, m.item_id desc"),
    ("size", False): Part("coalesce(m.size, 0), m.item_id"),
    ("size", True): Part("coalesce(m.size, 0) desc, m.item_id desc"),
    ("label_count", False): Part("m.label_count, m.item_id"),
    ("label_count", True): Part("m.label_count desc, m.item_id desc"),
}
_AFTER = {
    ("id", False): Part("m.item_id > %(after_id)s::integer"),
    ("id", True): Part("m.item_id < %(after_id)s::integer"),
    ("custom", False): Part(
        "(coalesce(m.custom_sort, 'Infinity'::double precision), m.item_id)"
        " > (%(after_sort)s::double precision, %(after_id)s::integer)"
    ),
    ("custom", True): Part(
        "(coalesce(m.custom_sort, 'Infinity'::double precision), m.item_id)"
        " < (%(after_sort)s::double precision, %(after_id)s::integer)"
    ),
}
_ONE_DATASET = Part("m.dataset_id = %(dataset_id)s::integer")
_DATASETS = Part("m.dataset_id = any(%(dataset_ids)s::integer [])")
_PROJECT = Part("m.project_id = %(project_id)s::integer")


async def get(tx: Tx, actor: Actor, item_id: int) -> Media:
    """Return an item of media by its number.

    Raises:
        MediaNotFound: there is none that the actor sees.
    """
    found = await get_many(tx, actor, [item_id])
    if not found:
        raise MediaNotFound(field="item", details={"item_ids": [item_id]})
    return found[0]


async def get_many(tx: Tx, actor: Actor, ids: Sequence[int]) -> list[Media]:
    """Return items of media by their numbers, in that order; those that the actor sees."""
    seen = sight(actor)
    return await tx.all(
        SQL.media_by_ids,
        Media,
        ids=checks.some_ids(ids),
        everything=seen.everything,
        accounts=seen.accounts,
        at_work=seen.at_work,
        worker=seen.worker,
    )


async def get_all(tx: Tx, actor: Actor, ids: Sequence[int]) -> list[Media]:
    """Return items of media by their numbers, each once.

    Raises:
        MediaNotFound: one of them is none that the actor sees; `details.item_ids` says which.
    """
    wanted = list(dict.fromkeys(ids))
    checks.at_once(len(wanted), "items")
    found = await get_many(tx, actor, wanted)
    if len(found) < len(wanted):
        missing = sorted(set(wanted) - {item.id for item in found})
        message = f"There is no item {missing[0]}, or you may not see it."
        raise MediaNotFound(message, field="item", details={"item_ids": missing})
    return found


async def page(
    tx: Tx,
    actor: Actor,
    *,
    dataset_id: int | None = None,
    project_id: int | None = None,
    recursive: bool = False,
    kinds: Sequence[str] | None = None,
    ids: Sequence[int] | None = None,
    names: Sequence[str] | None = None,
    sort: str = "id",
    descending: bool = False,
    limit: int = 100,
    offset: int | None = None,
    cursor: str | None = None,
) -> MediaPage:
    """Return a page of the items of a dataset, or of a whole project, that the actor sees, and how many there are.

    Args:
        tx: Where to read.
        actor: Who asks.
        dataset_id: The dataset; or
        project_id: the project.
        recursive: With those of the datasets in the dataset, at any depth.
        kinds: Only items of these kinds.
        ids: Only these.
        names: Only those of these names.
        sort: id, name, created_at, updated_at, size, label_count, or custom (the order that people gave them).
        descending: The other way round.
        limit: The length of the page.
        offset: How many come before it; or
        cursor: where it begins (`next` of the page before), in the orders id and custom.

    Raises:
        DatasetNotFound, ProjectNotFound: there is none that the actor sees.
        Invalid: there is no such order or page, or not exactly one place is named.
    """
    checks.window(limit, offset)
    if (dataset_id is None) == (project_id is None):
        message = "Items are listed in one dataset, or in one project."
        raise Invalid(message, field="dataset")
    order = _ORDERS.get((sort, descending))
    if order is None:
        message = f"Items are sorted by one of: {', '.join(MEDIA_SORTS)}."
        raise Invalid(message, field="sort")
    after, position = _position(sort, cursor, descending=descending)
    scope, place, all_seen = await _scope(tx, actor, dataset_id, project_id, recursive=recursive)
    asked = {
        **place,
        "ids": None if ids is None else checks.some_ids(ids),
        "names": checks.texts(names),
        "kinds": None if kinds is None else list(kinds),
        "all_seen": all_seen,
        "worker": sight(actor).worker,
    }
    query = SQL.media_ids.with_parts(scope=scope, after=after, order=order)
    found = await tx.rows(query, limit=limit + 1, offset=offset or 0, **position, **asked)
    unfiltered = all_seen and ids is None and names is None and kinds is None
    total = await (tx.value(SQL.kept_count, **place) if unfiltered else _count(tx, scope, asked))
    items = await get_many(tx, actor, [number for number, _ in found[:limit]])
    return MediaPage(items, int(total), _next(sort, found, limit))


async def file(tx: Tx, actor: Actor, item_id: int) -> MediaBytes:
    """Return where the bytes of an item are.

    Raises:
        MediaNotFound: there is none that the actor sees.
        Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not download it.
        FileNotFound: it is a link to a file elsewhere; `details.link` says where.
    """
    return file_of(actor, await get(tx, actor, item_id))


def file_of(actor: Actor, item: Media) -> MediaBytes:
    """Return the same of an item that the actor was given already.

    Raises:
        Unauthenticated, Forbidden, ScopeTooNarrow, FileNotFound: as `file`.
    """
    may_download(actor, item)
    if item.sha256 is None:
        message = "Its file is elsewhere."
        raise FileNotFound(message, field="item", details={"link": item.link})
    return _bytes_of(item, item.sha256)


async def files(tx: Tx, actor: Actor, ids: Sequence[int]) -> list[tuple[int, MediaBytes]]:
    """Return where the bytes of many items are, in their order; of links, and of what the actor does not see, nothing.

    Raises:
        Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not download one of them.
    """
    items = await get_many(tx, actor, list(dict.fromkeys(ids)))
    for item in items:
        may_download(actor, item)
    return [(item.id, _bytes_of(item, item.sha256)) for item in items if item.sha256 is not None]


async def file_by_hash(tx: Tx, actor: Actor, account_id: int | None, hashes: Sequence[bytes]) -> list[MediaBytes]:
    """Return where files are that an account knows, or (None) any where the actor may write; in the order asked.

    Raises:
        AccountNotFound, Unauthenticated, Forbidden, ScopeTooNarrow: the actor may not write there.
    """
    if account_id is None:
        accounts = roles_allowing(actor, Permission.PROJECT_WRITE)
    else:
        require(actor, Permission.PROJECT_WRITE, owner_id=account_id, missing=AccountNotFound)
        accounts = [account_id]
    wanted = list(dict.fromkeys(hashes))
    checks.at_once(len(wanted), "hashes")
    found = await tx.all(FILES.files_of_accounts, KnownFile, account_ids=accounts, hashes=wanted)
    by_hash = {known.sha256: known for known in found}
    return [
        MediaBytes(
            media_key(by_hash[sha256].account_id, sha256),
            by_hash[sha256].size,
            by_hash[sha256].mime or UNKNOWN_TYPE,
            sha256,
            sha256.hex(),
        )
        for sha256 in wanted
        if sha256 in by_hash
    ]


async def known_files(tx: Tx, account_id: int, hashes: Sequence[bytes]) -> dict[bytes, FileFacts]:
    """Return which of many files an account knows, kept from being purged until the transaction ends."""
    found = await tx.all(SQL.known_in, FileFacts, account_id=account_id, hashes=list(set(hashes)))
    return {known.sha256: known for known in found}


async def _count(tx: Tx, scope: Part, asked: dict[str, object]) -> int:
    return await tx.value(SQL.count_media.with_parts(scope=scope), **asked)


async def _scope(
    tx: Tx, actor: Actor, dataset_id: int | None, project_id: int | None, *, recursive: bool
) -> tuple[Part, dict[str, object], bool]:
    """Return the condition on where the items are, its parameters, and whether the reader sees all that is there."""
    seen = sight(actor)
    if project_id is not None:
        project = await media_projects.get(tx, actor, project_id)
        place: dict[str, object] = {"project_id": project.id, "dataset_ids": list[int]()}
        return _PROJECT, place, seen.sees(project.visibility, project.owner_id)
    assert dataset_id is not None
    dataset = await datasets.get(tx, actor, dataset_id)
    below = await datasets.subtree(tx, actor, dataset.id) if recursive else [dataset]
    place = {"project_id": None, "dataset_ids": [one.id for one in below], "dataset_id": dataset.id}
    scope = _ONE_DATASET if len(below) == 1 else _DATASETS
    return scope, place, seen.sees(dataset.visibility, dataset.owner_id)


def _position(sort: str, cursor: str | None, *, descending: bool) -> tuple[Part, dict[str, object]]:
    """Return the condition on where a page begins, and its parameters."""
    if cursor is None:
        return Part("true"), {}
    after = _AFTER.get((sort, descending))
    if after is None:
        message = "A list in this order is gone through by offset, not by cursor."
        raise Invalid(message, field="cursor")
    value, number = decode_cursor(cursor, str, int)
    try:
        place = float(value)
    except ValueError:
        place = math.nan
    if math.isnan(place):
        message = "This cursor does not belong to this list: take it from the answer before."
        raise Invalid(message, field="cursor")
    return after, {"after_sort": place, "after_id": number}


def _next(sort: str, found: Sequence[tuple[int, float]], limit: int) -> str | None:
    if len(found) <= limit or sort not in {"id", "custom"}:
        return None
    number, place = found[limit - 1]
    return encode_cursor(str(place), number)


def may_download(actor: Actor, item: Media) -> None:
    """Refuse the bytes of an item to somebody who reads it, but not its file; who works on it gets it."""
    if sight(actor).sees(item.visibility, item.owner_id):
        require(
            actor,
            Permission.VERSION_DOWNLOAD,
            owner_id=item.owner_id,
            visibility=item.visibility,
            missing=MediaNotFound,
        )


def _bytes_of(item: Media, sha256: bytes) -> MediaBytes:
    return MediaBytes(media_key(item.owner_id, sha256), item.size or 0, item.mime or UNKNOWN_TYPE, sha256, item.name)
