"""Changes of artifacts and releases."""

from __future__ import annotations

import strawberry

from pinakes.server.artifacts import artifacts as rooms
from pinakes.server.artifacts.checks import tags as check_tags
from pinakes.server.collections import service
from pinakes.server.collections.types import Card, FieldChanges
from pinakes.server.errors import CollectionNotFound, Invalid
from pinakes.server.registries import releases
from pinakes.server.wires.wandb import ids, places
from pinakes.server.wires.wandb.context import Context, Info
from pinakes.server.wires.wandb.enums import ArtifactCollectionState
from pinakes.server.wires.wandb.inputs.artifacts import TagInput
from pinakes.server.wires.wandb.inputs.collections import (
    CreateArtifactCollectionTagAssignmentsInput,
    DeleteArtifactCollectionTagAssignmentsInput,
    DeleteArtifactPortfolioInput,
    DeleteArtifactSequenceInput,
    MoveArtifactSequenceInput,
    UpdateArtifactPortfolioInput,
    UpdateArtifactSequenceInput,
)
from pinakes.server.wires.wandb.types import collections
from pinakes.server.wires.wandb.types.payloads import ArtifactCollectionPayload, SuccessPayload, TagsPayload

SEQUENCE = "artifactSequenceID"
PORTFOLIO = "artifactPortfolioID"
# How many tags one call may name (the client sends no more).
MOST_TAGS = 20


@strawberry.type
class CollectionsMutations:
    """Changes of artifacts and releases."""

    @strawberry.mutation
    async def update_artifact_sequence(
        self, info: Info, given: UpdateArtifactSequenceInput
    ) -> ArtifactCollectionPayload | None:
        """Change an artifact."""
        card = await _card(info.context, given.artifact_sequence_id, SEQUENCE, "artifact")
        return await _changed(info.context, card, FieldChanges(title=given.name, description=given.description))

    @strawberry.mutation
    async def update_artifact_portfolio(
        self, info: Info, given: UpdateArtifactPortfolioInput
    ) -> ArtifactCollectionPayload | None:
        """Change a release."""
        card = await _card(info.context, given.artifact_portfolio_id, PORTFOLIO, "release")
        return await _changed(info.context, card, FieldChanges(title=given.name, description=given.description))

    @strawberry.mutation
    async def move_artifact_sequence(
        self, info: Info, given: MoveArtifactSequenceInput
    ) -> ArtifactCollectionPayload | None:
        """Give an artifact another type."""
        ctx = info.context
        card = await _card(ctx, given.artifact_sequence_id, SEQUENCE, "artifact")
        moved = await rooms.move_type(ctx.tx, ctx.actor, card.id, given.destination_artifact_type_name)
        return ArtifactCollectionPayload(artifact_collection=collections.collection_of(moved))

    @strawberry.mutation
    async def delete_artifact_sequence(
        self, info: Info, given: DeleteArtifactSequenceInput
    ) -> ArtifactCollectionPayload | None:
        """Delete an artifact and its versions."""
        ctx = info.context
        card = await _card(ctx, given.artifact_sequence_id, SEQUENCE, "artifact")
        await rooms.delete(ctx.tx, ctx.actor, card.id)
        return _deleted(card)

    @strawberry.mutation
    async def delete_artifact_portfolio(
        self, info: Info, given: DeleteArtifactPortfolioInput
    ) -> ArtifactCollectionPayload | None:
        """Delete a release; the versions stay."""
        ctx = info.context
        card = await _card(ctx, given.artifact_portfolio_id, PORTFOLIO, "release")
        await releases.delete(ctx.tx, ctx.actor, card.id)
        return _deleted(card)

    @strawberry.mutation
    async def create_artifact_collection_tag_assignments(
        self, info: Info, given: CreateArtifactCollectionTagAssignmentsInput
    ) -> TagsPayload | None:
        """Give tags to a collection."""
        ctx = info.context
        names = check_tags(_names(given.tags))
        card = await _named(ctx, given.entity_name, given.project_name, given.artifact_collection_name)
        tags = list(dict.fromkeys([*card.tags, *names]))
        await service.update(ctx.tx, ctx.actor, card.public_id, FieldChanges(tags=tags))
        return TagsPayload(tags=[collections.tag_of(tag) for tag in names])

    @strawberry.mutation
    async def delete_artifact_collection_tag_assignments(
        self, info: Info, given: DeleteArtifactCollectionTagAssignmentsInput
    ) -> SuccessPayload | None:
        """Take tags from a collection."""
        ctx = info.context
        names = set(_names(given.tags))
        card = await _named(ctx, given.entity_name, given.project_name, given.artifact_collection_name)
        tags = [tag for tag in card.tags if tag not in names]
        await service.update(ctx.tx, ctx.actor, card.public_id, FieldChanges(tags=tags))
        return SuccessPayload(success=True, client_mutation_id=given.client_mutation_id)


async def _card(ctx: Context, given_id: str, field: str, kind: str) -> Card:
    """Find the collection of an id.

    Raises:
        Invalid: it is no such id, or that of another kind of collection.
        CollectionNotFound: there is none that the reader sees.
    """
    card = await rooms.card(ctx.tx, ctx.actor, ids.need(given_id, field, *collections.COLLECTION_IDS))
    if card.kind != kind:
        message = f"{card.title!r} is a collection of kind {card.kind}, not {kind}."
        raise Invalid(message, field=field)
    return card


async def _named(ctx: Context, entity: str, project: str, name: str) -> Card:
    place = await places.find(ctx, entity, project)
    if place is None:
        message = f"There is no project {project[:150]!r} in {entity[:100]!r}, or you may not see it."
        raise CollectionNotFound(message, field="projectName")
    return await collections.need_card(ctx, place, name)


async def _changed(ctx: Context, card: Card, changes: FieldChanges) -> ArtifactCollectionPayload:
    await service.update(ctx.tx, ctx.actor, card.public_id, changes)
    changed = await rooms.card(ctx.tx, ctx.actor, card.id)
    return ArtifactCollectionPayload(artifact_collection=collections.collection_of(changed))


def _deleted(card: Card) -> ArtifactCollectionPayload:
    gone = collections.collection_of(card, ArtifactCollectionState.DELETED)
    return ArtifactCollectionPayload(artifact_collection=gone)


def _names(given: list[TagInput]) -> list[str]:
    if len(given) > MOST_TAGS:
        message = f"At most {MOST_TAGS} tags in one call, not {len(given)}."
        raise Invalid(message, field="tags")
    return [tag.tag_name for tag in given]
