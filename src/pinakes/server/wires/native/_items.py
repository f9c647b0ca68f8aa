"""How things of the catalog look over the native API."""

from __future__ import annotations

from typing import Any

from pinakes.api import catalog as api
from pinakes.server.actor import Actor
from pinakes.server.catalog import service as catalog
from pinakes.server.catalog.types import Item, Liked, Paper, Reference, Repo, Voter
from pinakes.server.permissions.service import permitted
from pinakes.server.permissions.table import Permission
from pinakes.server.search.types import Hit

_CORRECTING = {Permission.ITEM_UPDATE, Permission.ITEM_DELETE}


def can(actor: Actor, kind: str, *, owner_id: int | None, visibility: str) -> list[str]:
    """List what a reader may do with a thing of that kind."""
    noun = f"{kind}:" if kind in ("collection", "registry") else "item:"
    allowed = permitted(actor, owner_id=owner_id, visibility=visibility)
    return sorted(permission for permission in allowed if permission.startswith(noun))


def show_item(found: Item, actor: Actor) -> api.Item:
    """Show an item of any kind."""
    return api.Item.model_validate(_identity(found, actor))


def show_bucket(found: Item, actor: Actor) -> api.Bucket:
    """Show a bucket."""
    return api.Bucket.model_validate(_identity(found, actor))


def show_reference(found: Reference, actor: Actor) -> api.Reference:
    """Show a reference."""
    facts = {**_identity(found, actor), "target_kind": found.target_kind, "url": found.url}
    return api.Reference.model_validate(facts)


def show_repo(found: Repo, actor: Actor) -> api.Repo:
    """Show a repo."""
    return api.Repo.model_validate(
        {
            **_identity(found, actor),
            "gated": found.gated,
            "sdk": found.sdk,
            "description": found.description,
            "pipeline_tag": found.pipeline_tag,
            "library_name": found.library_name,
            "tags": found.tags,
            "card": found.card,
            "downloads": found.downloads,
            "likes": found.likes,
            "liked": found.liked,
            "last_modified": found.last_modified,
        }
    )


def show_paper(found: Paper, actor: Actor) -> api.Paper:
    """Show a paper."""
    allowed = permitted(actor, owner_id=None, visibility="public")
    if catalog.corrects(actor, found):
        allowed |= permitted(actor, owner_id=actor.user_id, visibility="public") & _CORRECTING
    return api.Paper.model_validate(
        {
            "id": found.id,
            "kind": found.kind,
            "address": found.address,
            "name": found.name,
            "title": found.title,
            "visibility": "public",
            "created_at": found.created_at,
            "updated_at": found.updated_at,
            "can": sorted(permission for permission in allowed if permission.startswith("item:")),
            "arxiv_id": found.name,
            "authors": found.authors,
            "abstract": found.abstract,
            "published_at": found.published_at,
            "registered_by": found.registered_by,
            "votes": found.votes,
            "voted": found.voted,
        }
    )


def show_voter(found: Voter) -> api.Voter:
    """Show somebody who likes something."""
    return api.Voter(name=found.name, display_name=found.display_name, at=found.at)


def show_liked(found: Liked) -> api.Liked:
    """Show something that somebody likes."""
    facts = {"id": found.item_id, "kind": found.kind, "address": found.address, "at": found.at}
    return api.Liked.model_validate(facts)


def show_hit(found: Hit, actor: Actor) -> api.SearchHit:
    """Show what a search found."""
    return api.SearchHit.model_validate(
        {
            "id": found.id,
            "kind": found.kind,
            "collection_kind": found.collection_kind,
            "address": found.address,
            "owner": found.owner,
            "name": found.name,
            "title": found.title,
            "description": found.description,
            "visibility": found.visibility,
            "updated_at": found.updated_at,
            "rank": found.rank,
            "can": can(
                actor,
                found.kind,
                owner_id=found.id if found.kind == "registry" else found.owner_id,
                visibility=found.visibility,
            ),
        }
    )


def _identity(found: Item | Repo | Reference, actor: Actor) -> dict[str, Any]:
    return {
        "id": found.id,
        "kind": found.kind,
        "address": found.address,
        "owner": found.owner,
        "name": found.name,
        "title": found.title,
        "visibility": found.visibility,
        "created_at": found.created_at,
        "updated_at": found.updated_at,
        "can": can(actor, found.kind, owner_id=found.owner_id, visibility=found.visibility),
    }
