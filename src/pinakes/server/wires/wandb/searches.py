"""The search in an organization's registries: what is asked is read here, what is found becomes this API's types."""

from __future__ import annotations

from collections.abc import Sequence

from pinakes.server.registries import service as registries_room
from pinakes.server.search import mongo, releases
from pinakes.server.search.types import CollectionHit, Hits, RegistryHit, VersionHit
from pinakes.server.wires.wandb import pages, places, vocabulary
from pinakes.server.wires.wandb.context import Context
from pinakes.server.wires.wandb.enums import ArtifactCollectionType
from pinakes.server.wires.wandb.pages import Asked
from pinakes.server.wires.wandb.types import collections as found_collections, projects
from pinakes.server.wires.wandb.types.references import (
    ArtifactCollectionConnectionRef,
    ArtifactCollectionMembershipConnectionRef,
    ProjectConnectionRef,
)


async def registries(ctx: Context, organization_id: int, asked: Asked) -> ProjectConnectionRef:
    """Find registries of an organization."""
    wanted = mongo.parse_text(asked.filters, vocabulary.REGISTRIES)
    window = vocabulary.window(asked, vocabulary.REGISTRIES)
    hits = Hits[RegistryHit]([], [], more=False)
    if window is not None:
        hits = await releases.registries(ctx.tx, ctx.actor, organization_id, window, registry_filter=wanted)
    rows = await registries_room.views(ctx.tx, ctx.actor, [hit.id for hit in hits.rows]) if hits.rows else {}
    page = pages.found([rows.get(hit.id) for hit in hits.rows], hits.cursors, more=hits.more)
    return projects.connection([projects.project_of(places.of_registry(row)) for row in page.rows], page)


async def collections(
    ctx: Context,
    organization_id: int,
    registry_filters: str | None,
    asked: Asked,
    kinds: Sequence[ArtifactCollectionType] | None = None,
) -> ArtifactCollectionConnectionRef:
    """Find releases in an organization's registries; there are no artifacts in them."""
    in_registries = mongo.parse_text(registry_filters, vocabulary.REGISTRIES, field="projectFilters")
    wanted = mongo.parse_text(asked.filters, vocabulary.COLLECTIONS)
    window = vocabulary.window(asked, vocabulary.COLLECTIONS)
    none = kinds is not None and ArtifactCollectionType.PORTFOLIO not in kinds

    async def count() -> int:
        return (
            0
            if none
            else await releases.count_release_collections(
                ctx.tx, ctx.actor, organization_id, registry_filter=in_registries, collection_filter=wanted
            )
        )

    hits = Hits[CollectionHit]([], [], more=False)
    if window is not None and not none:
        hits = await releases.release_collections(
            ctx.tx, ctx.actor, organization_id, window, registry_filter=in_registries, collection_filter=wanted
        )
    return await found_collections.collections_of_hits(ctx, hits, count)


async def versions(
    ctx: Context, organization_id: int, registry_filters: str | None, collection_filters: str | None, asked: Asked
) -> ArtifactCollectionMembershipConnectionRef:
    """Find versions in an organization's registries."""
    in_registries = mongo.parse_text(registry_filters, vocabulary.REGISTRIES, field="projectFilters")
    in_collections = mongo.parse_text(collection_filters, vocabulary.COLLECTIONS, field="collectionFilters")
    wanted = mongo.parse_text(asked.filters, vocabulary.VERSIONS)
    window = vocabulary.window(asked, vocabulary.VERSIONS)
    hits = Hits[VersionHit]([], [], more=False)
    if window is not None:
        hits = await releases.release_versions(
            ctx.tx,
            ctx.actor,
            organization_id,
            window,
            registry_filter=in_registries,
            collection_filter=in_collections,
            version_filter=wanted,
        )
    page, rows = await found_collections.rows_of_hits(ctx, hits)
    return found_collections.membership_connection(page, rows)
