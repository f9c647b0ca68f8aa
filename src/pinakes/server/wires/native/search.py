"""Search over the native API.

| route | answer |
| --- | --- |
| GET /search `?q&kind*&owner&limit≤100&cursor` | → Page[SearchHit], best first |
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from pinakes.api import catalog as api
from pinakes.api.common import STORABLE, AccountName, Page
from pinakes.server.search import service
from pinakes.server.wires.native._items import show_hit
from pinakes.server.wires.native._shared import After, Here
from pinakes.server.wires.native.auth import By
from pinakes.server.wires.native.errors import router as make_router

router = make_router("search")


@router.get("/search")
async def search(
    state: Here,
    actor: By,
    q: Annotated[
        str,
        STORABLE,
        Query(
            min_length=1,
            max_length=500,
            pattern=r"^[^\u0000]*[^\s\u0000][^\u0000]*$",
            description="Words, in any case and order; the last one may be unfinished.",
        ),
    ],
    kind: Annotated[list[api.SearchKind] | None, Query(description="Any of these kinds.")] = None,
    owner: Annotated[AccountName | None, Query(description="Only what belongs to this account.")] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="How many rows at most.")] = 20,
    cursor: After = None,
) -> Page[api.SearchHit]:
    """Find what has every word in its name, title or owner's name, description or (collections) tags.

    The descriptions of collections, registries, projects and versions are searched.
    """
    async with state.db.reading() as tx:
        page = await service.search(tx, actor, q, kinds=kind, owner=owner, limit=limit, cursor=cursor)
    return Page(rows=[show_hit(found, actor) for found in page.rows], next=page.next)
