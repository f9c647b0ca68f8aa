"""How registries, artifacts, releases and versions look over the native API."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from pinakes.api import releases as api
from pinakes.server.actor import Actor
from pinakes.server.artifacts import versions
from pinakes.server.artifacts.provenance import Origin
from pinakes.server.artifacts.types import Graph, Membership, Version
from pinakes.server.collections.types import Card
from pinakes.server.errors import PinakesError
from pinakes.server.permissions.service import permitted
from pinakes.server.registries.types import Broken, Holder, Link, LinkRecord, Named, Promotion, Registry


@contextmanager
def spelled(**names: str) -> Generator[None]:
    """Let an error name the input as it is spelled here, if a room has another word: `spelled(project="name")`."""
    try:
        yield
    except PinakesError as error:
        error.field = names.get(error.field or "", error.field)
        raise


def registry(found: Registry, actor: Actor) -> api.Registry:
    """Show a registry, with what the reader may do with it."""
    return api.Registry(
        id=found.id,
        organization=found.organization,
        handle=found.handle,
        name=found.name,
        description=found.description,
        visibility=_literal(found.visibility),
        types=found.types,
        all_types=found.all_types,
        on_deletion=_literal(found.on_deletion),
        collection_count=found.collection_count,
        created_by=found.created_by,
        created_at=found.created_at,
        updated_at=found.updated_at,
        can=sorted(permitted(actor, owner_id=found.id, visibility="private")),
    )


def numbered(card: Card) -> api.Numbered:
    """Show an artifact or release."""
    in_registry = card.owner_kind == "registry"
    return api.Numbered(
        id=card.public_id,
        kind=_literal(card.kind),
        name=card.title,
        slug=card.slug,
        types=card.types,
        description=card.description,
        tags=card.tags,
        project=f"{card.owner}/{card.container}" if card.container is not None else None,
        organization=card.organization,
        registry=card.owner_title if in_registry else None,
        version_count=card.entry_count,
        revision=card.revision,
        created_at=card.created_at,
        updated_at=card.updated_at,
    )


def version(found: Version, actor: Actor) -> api.Version:
    """Show a version; where it comes from only to who may see that project."""
    source = f"{found.owner}/{found.project}/{found.label}" if versions.source_seen(actor, found) else None
    return api.Version(
        id=found.id,
        item=found.item_id,
        name=found.artifact,
        number=found.number,
        source=source,
        type=found.type,
        state=found.state,
        digest=found.digest,
        size=found.size,
        file_count=found.file_count,
        description=found.description,
        metadata=_json(found.metadata),
        tags=found.tags,
        ttl_seconds=found.ttl_seconds,
        created_by=found.created_by,
        created_at=found.created_at,
        updated_at=found.updated_at,
        committed_at=found.committed_at,
        deleted_at=found.deleted_at,
    )


def linked(found: Membership, actor: Actor) -> api.LinkedVersion:
    """Show a version as it stands in a collection."""
    return api.LinkedVersion(
        number=found.number,
        aliases=found.aliases,
        linked_at=found.linked_at,
        linked_by=found.linked_by,
        broken=found.version.state == "deleted",
        version=version(found.version, actor),
    )


def link(made: Link) -> api.Link:
    """Show what linking did."""
    return api.Link(
        collection=numbered(made.card),
        number=made.number,
        aliases=made.aliases,
        linked_at=made.linked_at,
        revision=made.revision,
        new=made.new,
        created=made.created,
    )


def alias_form(found: Named) -> api.AliasForm:
    """Show what an alias named."""
    return api.AliasForm(
        alias=found.alias,
        number=found.number,
        version=found.version_id,
        owner=found.owner,
        name=found.name,
        type=found.type,
        digest=found.digest,
        set_by=found.set_by,
        set_at=found.set_at,
        reason=found.reason,
        ended_by=found.ended_by,
        ended_at=found.ended_at,
    )


def link_record(found: LinkRecord) -> api.LinkRecord:
    """Show a link, present or past."""
    return api.LinkRecord(
        number=found.number,
        version=found.version_id,
        owner=found.owner,
        name=found.name,
        digest=found.digest,
        linked_by=found.linked_by,
        linked_at=found.linked_at,
        link_reason=found.link_reason,
        unlinked_by=found.unlinked_by,
        unlinked_at=found.unlinked_at,
        unlink_reason=found.unlink_reason,
    )


def broken(found: Broken) -> api.BrokenEntry:
    """Show an entry whose version was deleted."""
    return api.BrokenEntry(
        collection=found.public_id,
        collection_name=found.collection,
        number=found.number,
        aliases=found.aliases,
        version=found.version_id,
        owner=found.owner,
        name=found.name,
        type=found.type,
        digest=found.digest,
        linked_by=found.linked_by,
        linked_at=found.linked_at,
        deleted_by=found.deleted_by,
        deleted_at=found.deleted_at,
    )


def holder(found: Holder) -> api.Holder:
    """Show a release that holds a version."""
    return api.Holder(
        collection=found.public_id,
        collection_name=found.collection,
        registry=found.registry,
        project=found.project,
        number=found.number,
        aliases=found.aliases,
        linked_by=found.linked_by,
        linked_at=found.linked_at,
    )


def promotion(found: Promotion) -> api.Promotion:
    """Show a request to set a protected alias."""
    votes = [
        api.PromotionVote(user=vote.user, approves=vote.approves, comment=vote.comment, at=vote.at)
        for vote in found.votes
    ]
    return api.Promotion(
        id=found.id,
        collection=found.public_id,
        collection_name=found.collection,
        alias=found.alias,
        version=found.version_id,
        number=found.number,
        state=_literal(found.state),
        reason=found.reason,
        requested_by=found.requested_by,
        requested_at=found.requested_at,
        decided_at=found.decided_at,
        needed=found.needed,
        approvals=found.approvals,
        votes=votes,
    )


def lineage(graph: Graph) -> api.Lineage:
    """Show a graph of origins."""
    nodes = [
        api.LineageVersion(
            id=node.id,
            name=node.artifact if node.number is None else f"{node.artifact}:v{node.number}",
            type=node.type,
            state=node.state,
            digest=node.digest,
            project=f"{node.owner}/{node.project}",
        )
        for node in graph.versions
    ]
    runs = [
        api.LineageRun(
            id=run.id,
            name=run.name,
            display_name=run.display_name,
            project=f"{run.owner}/{run.project}",
            created_at=run.created_at,
        )
        for run in graph.runs
    ]
    edges = [
        api.LineageEdge(run=edge.run_id, version=edge.version_id, kind=edge.kind, used_as=edge.used_as)
        for edge in graph.edges
    ]
    return api.Lineage(root=graph.root, versions=nodes, runs=runs, edges=edges, truncated=graph.truncated)


def origin(found: Origin) -> api.Origin:
    """Show a collection that a version was made of."""
    return api.Origin(
        version=found.version.id,
        version_name=found.version.label,
        project=f"{found.version.owner}/{found.version.project}",
        collection=found.collection.public_id,
        title=found.collection.title,
        kind=found.collection.kind,
        revision=found.collection.revision,
        items=found.collection.entry_count,
        at=found.collection.updated_at,
    )


def _literal(word: str) -> Any:  # noqa: ANN401 - one of the words of the contract, which pydantic checks
    return word


def _json(value: dict[str, object]) -> Any:  # noqa: ANN401 - what PostgreSQL gave back as JSON
    return value
