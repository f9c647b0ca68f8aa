"""What registries remember: what an alias named when, every link and how it ended, who holds a version, what broke."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pinakes.server.actor import Actor
from pinakes.server.artifacts.access import get as get_version
from pinakes.server.collections import numbered
from pinakes.server.collections.types import AliasForm
from pinakes.server.db import Tx
from pinakes.server.paging import Page, cut, decode_cursor
from pinakes.server.permissions.service import sight
from pinakes.server.registries import checks, shelves
from pinakes.server.registries.service import SQL, by_id
from pinakes.server.registries.types import Broken, Face, Holder, LinkRecord, Named


async def alias_at(tx: Tx, actor: Actor, ref: str | int, alias: str, moment: datetime) -> Named | None:
    """Tell what an alias of a release or artifact named at a moment, since when, who set it, why, and how it ended.

    None means that it named nothing then.

    Raises:
        CollectionNotFound: there is none that the actor sees.
        Invalid: (field `at`) the moment does not say its zone.
    """
    moment = checks.moment(moment)
    found = await shelves.release(tx, actor, ref)
    form = await numbered.alias_at(tx, found.id, alias, moment)
    return (await _named(tx, [form]))[0] if form is not None else None


async def alias_log(
    tx: Tx, actor: Actor, ref: str | int, *, alias: str | None = None, limit: int = 100, cursor: str | None = None
) -> Page[Named]:
    """List what the aliases of a release or artifact named and name, or one of them, the last set first.

    Raises:
        CollectionNotFound: there is none that the actor sees.
        Invalid: the limit is not 1 to 1,000, or the cursor is none of ours.
    """
    checks.limit(limit)
    found = await shelves.release(tx, actor, ref)
    forms = await numbered.alias_log(tx, found.id, alias=alias, limit=limit, cursor=cursor)
    return Page(await _named(tx, forms.rows), forms.next)


async def link_log(
    tx: Tx, actor: Actor, ref: str | int, *, version_id: int | None = None, limit: int = 100, cursor: str | None = None
) -> Page[LinkRecord]:
    """List the links of a release, or of one version in it, present and past, the last made first.

    Raises:
        CollectionNotFound: there is none that the actor sees.
        Invalid: the limit is not 1 to 1,000, or the cursor is none of ours.
    """
    checks.limit(limit)
    below, below_item = decode_cursor(cursor, int, int) if cursor else (None, None)
    found = await shelves.release(tx, actor, ref)
    number = version_id if version_id is None or 0 < version_id < 2**31 else 0
    asked = {"id": found.id, "version_id": number, "below": below, "below_item": below_item}
    rows = await tx.all(SQL.link_log, LinkRecord, limit=limit + 1, **asked)
    return cut(rows, limit, lambda last: (last.since_rev, last.item_id))


async def holders(tx: Tx, actor: Actor, version_id: int) -> list[Holder]:
    """List the releases that hold a version, of those that the actor sees, the first that linked it first.

    Raises:
        VersionNotFound: there is none that he sees.
    """
    seen = sight(actor)
    asked = {"everything": seen.everything, "accounts": seen.accounts}
    number = version_id if 0 < version_id < 2**31 else 0
    found = await tx.all(SQL.holders, Holder, version_id=number, **asked)
    if not found:
        await get_version(tx, actor, number)
    return found


async def broken(
    tx: Tx, actor: Actor, registry_id: int, *, limit: int = 100, cursor: str | None = None
) -> Page[Broken]:
    """List a registry's entries whose version was deleted, with what each was, the last deleted first.

    Raises:
        RegistryNotFound: there is none that the actor sees.
        Invalid: the limit is not 1 to 1,000, or the cursor is none of ours.
    """
    checks.limit(limit)
    before, below, below_item = decode_cursor(cursor, datetime, int, int) if cursor else (None, None, None)
    registry = await by_id(tx, actor, registry_id)
    asked = {"registry_id": registry.id, "before": before, "below": below, "below_item": below_item}
    rows = await tx.all(SQL.broken, Broken, limit=limit + 1, **asked)
    return cut(rows, limit, lambda last: (last.deleted_at, last.collection_id, last.item_id))


async def _named(tx: Tx, forms: Sequence[AliasForm]) -> list[Named]:
    """Add what the versions are to what aliases named."""
    items = sorted({form.item_id for form in forms})
    faces = {face.item_id: face for face in await tx.all(SQL.versions, Face, items=items)} if items else {}
    return [
        Named(
            alias=form.alias,
            item_id=form.item_id,
            version_id=face.version_id,
            owner=face.owner,
            name=face.name,
            type=face.type,
            digest=face.digest,
            number=form.number,
            set_by=form.set_by,
            set_at=form.set_at,
            reason=form.reason,
            ended_by=form.ended_by,
            ended_at=form.ended_at,
        )
        for form in forms
        for face in [faces[form.item_id]]
    ]
