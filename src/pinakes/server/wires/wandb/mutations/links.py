"""Links and aliases."""

from __future__ import annotations

from collections.abc import Sequence

import strawberry

from pinakes.server.artifacts import memberships, versions
from pinakes.server.errors import Invalid, VersionNotFound
from pinakes.server.registries import aliases as rooms, links
from pinakes.server.registries.types import Existing, InProject, InRegistry
from pinakes.server.wires.wandb import ids, places
from pinakes.server.wires.wandb.context import Context, Info
from pinakes.server.wires.wandb.inputs.links import (
    AddAliasesInput,
    ArtifactCollectionAliasInput,
    DeleteAliasesInput,
    LinkArtifactInput,
    UnlinkArtifactInput,
)
from pinakes.server.wires.wandb.types import collections
from pinakes.server.wires.wandb.types.payloads import LinkArtifactPayload, SuccessPayload


@strawberry.type
class LinksMutations:
    """Links and aliases."""

    @strawberry.mutation
    async def link_artifact(self, info: Info, given: LinkArtifactInput) -> LinkArtifactPayload | None:
        """Link a version into a release."""
        ctx = info.context
        version_id = await _version(ctx, given)
        names = [alias.alias for alias in given.aliases or []]
        made = await links.link(ctx.tx, ctx.actor, version_id, _target(given), names)
        entry = await memberships.in_collection(ctx.tx, ctx.actor, made.card.id, f"v{made.number}")
        return LinkArtifactPayload(version_index=made.number, artifact_membership=collections.membership_of(entry))

    @strawberry.mutation
    async def unlink_artifact(self, info: Info, given: UnlinkArtifactInput) -> SuccessPayload | None:
        """Take a version out of a release."""
        ctx = info.context
        version_id = ids.need(given.artifact_id, "artifactID", "Artifact")
        release_id = ids.need(given.artifact_portfolio_id, "artifactPortfolioID", *collections.COLLECTION_IDS)
        await links.unlink(ctx.tx, ctx.actor, version_id, release_id)
        return SuccessPayload(success=True, client_mutation_id=given.client_mutation_id)

    @strawberry.mutation
    async def add_aliases(self, info: Info, given: AddAliasesInput) -> SuccessPayload | None:
        """Set aliases of a version."""
        ctx = info.context
        version_id = ids.need(given.artifact_id, "artifactID", "Artifact")
        for collection_id, names in await _by_collection(ctx, given.aliases):
            await rooms.set_aliases(ctx.tx, ctx.actor, collection_id, version_id, names)
        return SuccessPayload(success=True, client_mutation_id=given.client_mutation_id)

    @strawberry.mutation
    async def delete_aliases(self, info: Info, given: DeleteAliasesInput) -> SuccessPayload | None:
        """Remove aliases of a version."""
        ctx = info.context
        version_id = ids.need(given.artifact_id, "artifactID", "Artifact")
        for collection_id, names in await _by_collection(ctx, given.aliases):
            await rooms.remove_aliases(ctx.tx, ctx.actor, collection_id, names, version_id=version_id)
        return SuccessPayload(success=True, client_mutation_id=given.client_mutation_id)


async def _version(ctx: Context, given: LinkArtifactInput) -> int:
    """Return the version that is to be linked, by its id or by the name that the client made up for it."""
    if given.artifact_id:
        return ids.need(given.artifact_id, "artifactID", "Artifact")
    if not given.client_id:
        message = "artifactID or clientID must say which version."
        raise Invalid(message, field="artifactID")
    found = await versions.client_target(ctx.tx, ctx.actor, given.client_id)
    if found is None or found.version_id is None:
        message = f"No version is known by the client id {given.client_id[:100]!r}."
        raise VersionNotFound(message, field="clientID")
    return found.version_id


def _target(given: LinkArtifactInput) -> InRegistry | InProject | Existing:
    """Say in our words where the version shall be linked to."""
    if given.artifact_portfolio_id:
        return Existing(ids.need(given.artifact_portfolio_id, "artifactPortfolioID", *collections.COLLECTION_IDS))
    if not given.artifact_portfolio_name or not given.project_name:
        message = "projectName and artifactPortfolioName must say where to link to."
        raise Invalid(message, field="artifactPortfolioName")
    registry = places.registry_name(given.project_name)
    if registry is not None:
        return InRegistry(registry, given.artifact_portfolio_name, given.entity_name or None)
    return InProject(given.project_name, given.artifact_portfolio_name, given.entity_name or None)


async def _by_collection(ctx: Context, given: Sequence[ArtifactCollectionAliasInput]) -> list[tuple[int, list[str]]]:
    """Find the collections in which aliases shall hold, each with its aliases."""
    named: dict[tuple[str, str, str], list[str]] = {}
    for each in given:
        named.setdefault((each.entity_name, each.project_name, each.artifact_collection_name), []).append(each.alias)
    found: list[tuple[int, list[str]]] = []
    for (entity, project, name), names in named.items():
        place = await places.need(ctx, entity, project)
        found.append(((await collections.need_card(ctx, place, name)).id, names))
    return sorted(found)
