"""Repos of the Hub: models, datasets and spaces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from pinakes.server.actor import Actor
from pinakes.server.catalog import addresses, checks
from pinakes.server.catalog.lookup import (
    LAST_ID,
    LAST_MOMENT,
    SQL,
    create,
    creating_owner,
    delete,
    hold,
    lock,
    owner_filter,
    record_changes,
    resolve,
    taken,
)
from pinakes.server.catalog.types import Item, Ranked, Repo, RepoChanges, RepoListing, Sort
from pinakes.server.db import IntegrityError, Tx, json, violated
from pinakes.server.errors import AccountNotFound, ItemNotFound
from pinakes.server.events import service as events
from pinakes.server.paging import BigInt, Page, cut, decode_cursor
from pinakes.server.people import service as people
from pinakes.server.permissions import service as permissions
from pinakes.server.permissions.service import sight
from pinakes.server.permissions.table import Permission

# Fields whose change is a change of the repo itself, not of how it is kept.
_CONTENT = ("title", "sdk", "description", "pipeline_tag", "library_name", "tags", "card")

# Where a ranking begins: above what any repo has.
HIGHEST_RANK = 2**63 - 1
TOP = {"second": 2**31 - 1, "below": LAST_ID}


async def create_repo(
    tx: Tx,
    actor: Actor,
    kind: str,
    owner: str | None,
    name: str,
    *,
    visibility: str = "public",
    sdk: str | None = None,
    title: str = "",
    gated: str | None = None,
    description: str = "",
    pipeline_tag: str | None = None,
    library_name: str | None = None,
    tags: Sequence[str] = (),
    card: Mapping[str, object] | None = None,
) -> Repo:
    """Create a model, dataset or space; without an owner (`gpt2`) only administrators of the server may.

    Raises:
        Invalid: a field is not what it should be.
        AccountNotFound, Unauthenticated, Forbidden: the actor may not create there.
        NameTaken: the owner has one of that name; details say how its address is spelled (`address`).
    """
    facts = RepoChanges(
        gated=gated or "",
        sdk=sdk or "",
        description=description,
        pipeline_tag=pipeline_tag or "",
        library_name=library_name or "",
        tags=list(tags),
        card=dict(card or {}),
    )
    facts = _checked(addresses.known_repo_kind(kind), facts)
    addresses.new_name(name)
    visibility, title = checks.visibility(visibility), checks.title(title)
    owner_id = await creating_owner(tx, actor, owner)
    item_id = await create(tx, actor, kind, owner_id, name, title=title, visibility=visibility)
    await tx.run(
        SQL.create_repo_facts,
        id=item_id,
        gated=facts.gated or None,
        sdk=facts.sdk or None,
        description=facts.description,
        pipeline_tag=facts.pipeline_tag or None,
        library_name=facts.library_name or None,
        tags=facts.tags,
        card=json(facts.card),
    )
    return await _read(tx, actor, item_id)


async def get_repo(tx: Tx, actor: Actor, kind: str, address: str) -> Repo:
    """Return a repo; under a former address it answers too, and has another `address` then.

    Raises:
        Invalid: (field `kind`) there is no such kind of repo.
        ItemNotFound: there is none that the actor sees.
    """
    return await _read(tx, actor, (await _find(tx, actor, kind, address)).id)


async def list_repos(
    tx: Tx, actor: Actor, listing: RepoListing, limit: int = 100, cursor: str | None = None
) -> Page[Repo]:
    """List the repos that the actor sees.

    Raises:
        Invalid: the kind, the order, a word to search for or the cursor is malformed.
    """
    if listing.kind is not None:
        addresses.known_repo_kind(listing.kind)
    sort = checks.sort(listing.sort)
    words, tags = checks.words(listing.search or (), "search"), checks.tags(listing.tags or ())
    try:
        owner_id = await owner_filter(tx, listing.owner)
    except AccountNotFound:
        return Page([])
    seen = sight(actor)
    wanted: dict[str, object] = {
        "kind": listing.kind,
        "owner_id": owner_id,
        "tags": tags or None,
        "pipeline_tag": listing.pipeline_tag,
        "gated": listing.gated,
        "patterns": checks.patterns(words),
        "limit": limit + 1,
        "everything": seen.everything,
        "accounts": seen.accounts,
    }
    if owner_id is None and sort == "lastModified":
        return await _by_last_modified(tx, actor, wanted, limit, cursor)
    if owner_id is None and sort == "createdAt":
        return await _by_creation(tx, actor, wanted, limit, cursor)
    return await _by_rank(tx, actor, sort, wanted, limit, cursor)


async def update_repo(tx: Tx, actor: Actor, kind: str, address: str, changes: RepoChanges) -> Repo:
    """Give a repo new values. Hiding it takes it out of the sight of others at once, in every collection.

    Raises:
        Invalid: a field is not what it should be.
        ItemNotFound, Unauthenticated, Forbidden: the actor does not see it, or may not change it.
        Conflict: somebody else changed it at the same moment.
    """
    item = await _find(tx, actor, kind, address)
    permissions.require(
        actor, Permission.ITEM_UPDATE, owner_id=item.owner_id, visibility=item.visibility, missing=ItemNotFound
    )
    changes = _checked(item.kind, changes)
    flips = changes.visibility if changes.visibility != item.visibility else None
    await (hold(tx, item) if flips else lock(tx, item))
    now = await _read(tx, actor, item.id)
    changed = [field for field in ("gated", *_CONTENT) if _differs(now, changes, field)]
    if not changed and flips is None:
        return now
    await tx.run(SQL.touch_item, id=item.id, title=changes.title, visibility=flips)
    await tx.run(
        SQL.update_repo_facts,
        id=item.id,
        gated=changes.gated,
        sdk=changes.sdk,
        description=changes.description,
        pipeline_tag=changes.pipeline_tag,
        library_name=changes.library_name,
        tags=changes.tags,
        card=None if changes.card is None else json(changes.card),
        content=any(field in _CONTENT for field in changed),
    )
    await record_changes(tx, actor, item, flips, changed)
    return await _read(tx, actor, item.id)


async def move_repo(tx: Tx, actor: Actor, kind: str, source: str, target: str) -> Repo:
    """Give a repo another address, perhaps another owner; the old one leads to it until something else takes it.

    Raises:
        Invalid: (field `to`) the new address could not be one.
        ItemNotFound, Unauthenticated, Forbidden: the actor does not see it, or may not take it from its owner.
        AccountNotFound, Forbidden: the actor may not create anything for the new owner.
        NameTaken: something has the new address.
        Conflict: somebody else changed it at the same moment.
    """
    item = await _find(tx, actor, kind, source)
    permissions.require(
        actor, Permission.ITEM_MOVE, owner_id=item.owner_id, visibility=item.visibility, missing=ItemNotFound
    )
    owner, name = addresses.new_address(item.kind, target, "to")
    # Read first without a lock: the locks of all owners come before any other.
    owner_id = None if owner is None else (await people.account(tx, owner)).id
    await hold(tx, item)
    if owner_id != item.owner_id or owner is None:
        await creating_owner(tx, actor, owner)
    if (owner_id, name) == (item.owner_id, item.name):
        return await _read(tx, actor, item.id)
    try:
        async with tx.savepoint():
            await tx.run(SQL.move_item, id=item.id, owner_id=owner_id, name=name)
    except IntegrityError as error:
        if violated(error) != "items_name_taken":
            raise
        raise await taken(tx, item.kind, owner_id, name) from error
    if (owner_id, name.lower()) != (item.owner_id, item.name.lower()):
        await tx.run(SQL.redirect, kind=item.kind, owner_id=item.owner_id, name=item.name, id=item.id)
        await tx.run(SQL.forget_redirect, kind=item.kind, owner_id=owner_id, name=name, only_to=item.id)
    await events.record(
        tx,
        actor,
        "item.renamed",
        account_id=owner_id,
        item_id=item.id,
        before={"owner_id": item.owner_id},
        after={"owner_id": owner_id},
    )
    return await _read(tx, actor, item.id)


async def delete_repo(tx: Tx, actor: Actor, kind: str, address: str) -> None:
    """Delete a repo: it is gone from every collection, and its name is free.

    Raises:
        ItemNotFound, Unauthenticated, Forbidden: the actor does not see it, or may not delete it.
        Conflict: somebody else changed it at the same moment.
    """
    item = await _find(tx, actor, kind, address)
    permissions.require(
        actor, Permission.ITEM_DELETE, owner_id=item.owner_id, visibility=item.visibility, missing=ItemNotFound
    )
    await delete(tx, actor, item)


async def _find(tx: Tx, actor: Actor, kind: str, address: str) -> Item:
    return await resolve(tx, actor, addresses.known_repo_kind(kind), address)


async def _read(tx: Tx, actor: Actor, item_id: int) -> Repo:
    repo = await tx.one(SQL.repo, Repo, id=item_id, user_id=actor.user_id)
    if repo is None:
        raise ItemNotFound
    return repo


async def _by_last_modified(
    tx: Tx, actor: Actor, wanted: dict[str, object], limit: int, cursor: str | None
) -> Page[Repo]:
    before, below = decode_cursor(cursor, datetime, int) if cursor else (LAST_MOMENT, LAST_ID)
    rows = await tx.all(SQL.repos_by_last_modified, Repo, **wanted, user_id=actor.user_id, before=before, below=below)
    return cut(rows, limit, lambda repo: (repo.last_modified, repo.id))


async def _by_creation(tx: Tx, actor: Actor, wanted: dict[str, object], limit: int, cursor: str | None) -> Page[Repo]:
    below = decode_cursor(cursor, int)[0] if cursor else LAST_ID
    rows = await tx.all(SQL.repos_by_creation, Repo, **wanted, user_id=actor.user_id, below=below)
    return cut(rows, limit, lambda repo: (repo.id,))


async def _by_rank(
    tx: Tx, actor: Actor, sort: Sort, wanted: dict[str, object], limit: int, cursor: str | None
) -> Page[Repo]:
    # What trends is decided when the first page is read, so that the pages after it have the same order.
    first = (datetime.now(UTC), HIGHEST_RANK, *TOP.values())
    until, rank, second, below = decode_cursor(cursor, datetime, BigInt, int, int) if cursor else first
    place = wanted | {"sort": sort, "until": until, "rank": rank, "second": second, "below": below}
    if wanted["owner_id"] is not None:
        rows = await tx.all(SQL.repos_of_owner, Ranked, **place)
    elif sort == "downloads":
        rows = await tx.all(SQL.repos_by_downloads, Ranked, **place)
    elif sort == "likes":
        rows = await tx.all(SQL.repos_by_likes, Ranked, **place | {"until": None})
    else:
        rows = await _trending(tx, place, rank, limit + 1)
    page = cut(rows, limit, lambda row: (until, row.rank, row.second, row.id))
    repos = await tx.all(SQL.repos_by_id, Repo, ids=[row.id for row in page.rows], user_id=actor.user_id)
    return Page(repos, page.next)


async def _trending(tx: Tx, place: dict[str, object], rank: int, limit: int) -> list[Ranked]:
    """Return those that were liked lately, and behind them all others, by all their likes."""
    found = await tx.all(SQL.repos_trending, Ranked, **place) if rank > 0 else []
    if len(found) == limit:
        return found
    rest = place | {"limit": limit - len(found)} | (TOP if rank > 0 else {})
    return found + await tx.all(SQL.repos_by_likes, Ranked, **rest)


def _checked(kind: str, given: RepoChanges) -> RepoChanges:
    """Return changes as they will be stored; None and "" keep their meaning."""
    return RepoChanges(
        visibility=None if given.visibility is None else checks.visibility(given.visibility),
        gated=None if given.gated is None else checks.gate(given.gated) or "",
        title=None if given.title is None else checks.title(given.title),
        sdk=None if given.sdk is None else checks.sdk(kind, given.sdk) or "",
        description=_text(given.description, "description", checks.LONGEST_DESCRIPTION),
        pipeline_tag=_text(given.pipeline_tag, "pipeline_tag", checks.LONGEST_TAG),
        library_name=_text(given.library_name, "library_name", checks.LONGEST_TAG),
        tags=None if given.tags is None else checks.tags(given.tags),
        card=None if given.card is None else checks.card(given.card),
    )


def _text(value: str | None, field: str, longest: int) -> str | None:
    return None if value is None else checks.text(value, field, longest)


def _differs(now: Repo, changes: RepoChanges, field: str) -> bool:
    wanted = getattr(changes, field)
    return wanted is not None and wanted != (getattr(now, field) if getattr(now, field) is not None else "")
