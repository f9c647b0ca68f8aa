"""Votes: likes of repos, upvotes of papers and collections. One per user and item; the counts are kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pinakes.server.actor import Actor
from pinakes.server.catalog.lookup import LAST_ID, LAST_MOMENT, SQL, get_item, resolve
from pinakes.server.catalog.types import REPO_KINDS, Item, Liked, Voter
from pinakes.server.db import Tx
from pinakes.server.errors import ItemNotFound
from pinakes.server.paging import Page, cut, decode_cursor
from pinakes.server.people import service as people
from pinakes.server.permissions import service as permissions
from pinakes.server.permissions.service import sight
from pinakes.server.permissions.table import Permission


async def vote(tx: Tx, actor: Actor, kind: str, address: str, on: bool) -> int:  # noqa: FBT001 - the vote itself
    """Like something, or take the like back; doing either twice changes nothing. Return how many like it.

    Raises:
        ItemNotFound, Unauthenticated, Forbidden: the actor does not see it, or may not vote.
    """
    return await _vote(tx, actor, await resolve(tx, actor, kind, address), on)


async def vote_for_item(tx: Tx, actor: Actor, item_id: int, on: bool) -> int:  # noqa: FBT001 - the vote itself
    """Do the same for an item by its number.

    Raises:
        ItemNotFound, Unauthenticated, Forbidden: the actor does not see it, or may not vote.
    """
    return await _vote(tx, actor, await get_item(tx, actor, item_id), on)


async def set_vote(tx: Tx, user_id: int, item_id: int, on: bool) -> int:  # noqa: FBT001 - the vote itself
    """Keep or take back one user's vote for an item, without asking whether he may. Return how many voted for it."""
    changed = await tx.value(SQL.cast_vote if on else SQL.take_vote_back, item_id=item_id, user_id=user_id)
    if changed is None:
        changed = await tx.value(SQL.votes, item_id=item_id)
    return int(changed or 0)


async def voters(
    tx: Tx, actor: Actor, kind: str, address: str, limit: int = 100, cursor: str | None = None
) -> Page[Voter]:
    """List those who like something, the last first.

    Raises:
        Invalid: (field `cursor`) it is malformed.
        ItemNotFound: the actor does not see it.
    """
    item = await resolve(tx, actor, kind, address)
    before, below = decode_cursor(cursor, datetime, int) if cursor else (LAST_MOMENT, LAST_ID)
    rows = await tx.all(SQL.voters, Voter, item_id=item.id, before=before, below=below, limit=limit + 1)
    return cut(rows, limit, lambda voter: (voter.at, voter.id))


async def liked_by(
    tx: Tx,
    actor: Actor,
    user: str,
    limit: int = 100,
    cursor: str | None = None,
    *,
    kinds: Sequence[str] = REPO_KINDS,
) -> Page[Liked]:
    """List what a user likes and the actor sees, the last first; repos, unless other kinds are named.

    Raises:
        Invalid: (field `cursor`) it is malformed.
        AccountNotFound: there is no such user.
    """
    account = await people.account(tx, user)
    before, below = decode_cursor(cursor, datetime, int) if cursor else (LAST_MOMENT, LAST_ID)
    seen = sight(actor)
    rows = await tx.all(
        SQL.liked_by,
        Liked,
        user_id=account.id,
        kinds=list(kinds),
        before=before,
        below=below,
        limit=limit + 1,
        everything=seen.everything,
        accounts=seen.accounts,
    )
    return cut(rows, limit, lambda liked: (liked.at, liked.item_id))


async def _vote(tx: Tx, actor: Actor, item: Item, on: bool) -> int:  # noqa: FBT001 - the vote itself
    permission = Permission.COLLECTION_VOTE if item.kind == "collection" else Permission.ITEM_VOTE
    permissions.require(actor, permission, owner_id=item.owner_id, visibility=item.visibility, missing=ItemNotFound)
    return await set_vote(tx, permissions.require_sign_in(actor), item.id, on)
