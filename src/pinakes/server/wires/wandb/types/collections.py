"""Artifacts and releases as collections, their types, tags, aliases and entries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import strawberry

from pinakes.server.artifacts import artifacts as rooms, memberships
from pinakes.server.artifacts.types import ArtifactType as TypeRow, Membership, Version
from pinakes.server.catalog import projects as catalog
from pinakes.server.collections import numbered
from pinakes.server.collections.types import Card
from pinakes.server.errors import NotFound
from pinakes.server.registries import service as registries
from pinakes.server.search import mongo, orders, releases as search
from pinakes.server.search.releases import Window
from pinakes.server.search.types import CollectionHit, Hits, VersionHit
from pinakes.server.wires.wandb import ids, pages, places, vocabulary
from pinakes.server.wires.wandb.context import Context, Info
from pinakes.server.wires.wandb.enums import ArtifactCollectionState, ArtifactDigestAlgorithm
from pinakes.server.wires.wandb.once import once
from pinakes.server.wires.wandb.pages import Asked, Counted, Listed, PageInfo
from pinakes.server.wires.wandb.places import Place
from pinakes.server.wires.wandb.scalars import DateTime, JSONString
from pinakes.server.wires.wandb.types import artifacts, files, projects
from pinakes.server.wires.wandb.types.references import (
    ArtifactRef,
    FileConnectionRef,
    ProjectRef,
    VersionedArtifactConnectionRef,
)
from pinakes.server.wires.wandb.types.shown import Before, Shown

COLLECTION_IDS = ("ArtifactCollection", "ArtifactSequence", "ArtifactPortfolio")
MOST_ROWS = 1000


@strawberry.type
class Tag:
    """A tag."""

    id: strawberry.ID
    name: str


@strawberry.type
class TagEdge:
    """A tag in a list."""

    node: Tag


@strawberry.type
class TagConnection:
    """A list of tags."""

    edges: list[TagEdge]


@strawberry.type
class ArtifactAlias:
    """A name of one version within a collection."""

    card: strawberry.Private[Card]

    id: strawberry.ID
    alias: str

    @strawberry.field
    def artifact_collection(self) -> ArtifactCollection | None:
        """The collection in which it holds."""
        return collection_of(self.card)


@strawberry.type
class ArtifactAliasEdge:
    """An alias in a list."""

    node: ArtifactAlias | None


@strawberry.type
class ArtifactAliasConnection:
    """A page of aliases."""

    edges: list[ArtifactAliasEdge]
    page_info: PageInfo


@strawberry.type
class ArtifactType:
    """A type of artifacts in a project, or one that a registry accepts."""

    project_id: strawberry.Private[int | None] = None
    place: strawberry.Private[Place | None] = None

    name: str

    @strawberry.field
    def id(self) -> strawberry.ID:
        """Its id, which says where it is known."""
        where = self.place.owner_id if self.place is not None else self.project_id
        return ids.write("ArtifactType", where or 0, self.name)

    @strawberry.field
    async def description(self, info: Info) -> str | None:
        """What is said of it."""
        row = await self._row(info.context)
        return row.description if row is not None else None

    @strawberry.field
    async def created_at(self, info: Info) -> DateTime:
        """Since when it is known; in a registry since that is there. Of a project out of sight nothing is told."""
        row = await self._row(info.context)
        if row is not None:
            return DateTime(row.created_at)
        place = await self._place(info.context)
        made = await places.row_of(info.context, place) if place is not None else None
        return DateTime(made.created_at if made is not None else datetime.fromtimestamp(0, UTC))

    @strawberry.field
    async def artifact_collection(self, info: Info, name: str) -> ArtifactCollection | None:
        """A collection of this type, by name."""
        place = await self._place(info.context)
        found = await _card(info.context, place, name) if place is not None else None
        return collection_of(found) if found is not None and self.name in found.types else None

    @strawberry.field
    async def artifact_collections(
        self,
        info: Info,
        after: str | None = None,
        first: int | None = None,
        filters: JSONString | None = None,
        order: str | None = None,
    ) -> ArtifactCollectionConnection | None:
        """The collections of this type."""
        place = await self._place(info.context)
        if place is None:
            return None
        return await page_of_collections(info.context, place, Asked(filters, order, after, first), self.name)

    async def _place(self, ctx: Context) -> Place | None:
        if self.place is not None or self.project_id is None:
            return self.place
        return await _project(ctx, self.project_id)

    async def _row(self, ctx: Context) -> TypeRow | None:
        project_id = self.place.container_id if self.place is not None else self.project_id
        if project_id is None:
            return None
        try:
            found = await once(ctx, ("types", project_id), lambda: rooms.types(ctx.tx, ctx.actor, project_id))
        except NotFound:  # the project of a version that the reader knows through a link only
            return None
        return next((row for row in found if row.name == self.name), None)


@strawberry.type
class ArtifactTypeEdge:
    """A type in a list."""

    node: ArtifactType | None


@strawberry.type
class ArtifactTypeConnection(Counted):
    """A page of types."""

    edges: list[ArtifactTypeEdge]
    page_info: PageInfo


@strawberry.interface
class ArtifactCollection:
    """A numbered collection of versions: an artifact, or a release."""

    card: strawberry.Private[Card]
    # False for the artifact of a version that the reader knows through a link only.
    seen: strawberry.Private[bool] = True

    id: strawberry.ID
    name: str
    description: str | None
    created_at: DateTime
    updated_at: DateTime | None
    state: ArtifactCollectionState = ArtifactCollectionState.READY

    @strawberry.field
    async def project(self, info: Info) -> ProjectRef | None:
        """Its project or registry; nothing when that is out of sight."""
        place = await place_of(info.context, self.card) if self.seen else None
        return projects.project_of(place) if place is not None else None

    @strawberry.field
    async def default_artifact_type(self, info: Info) -> ArtifactType:
        """Its type, the first where it has several."""
        place = await place_of(info.context, self.card) if self.seen else None
        return ArtifactType(name=self.card.types[0], place=place, project_id=self.card.container_id)

    @strawberry.field
    def tags(self) -> TagConnection:
        """Its tags."""
        return TagConnection(edges=[TagEdge(node=tag_of(tag)) for tag in self.card.tags])

    @strawberry.field
    async def aliases(self, info: Info, after: str | None = None, first: int | None = None) -> ArtifactAliasConnection:
        """All aliases in it."""
        ctx = info.context
        found = await numbered.aliases(ctx.tx, self.card.id) if self.seen and not pages.ended(after) else {}
        names = sorted(alias for of_one in found.values() for alias in of_one)
        start = names.index(after) + 1 if after in names else 0
        shown = names[start : start + pages.size(first)]
        more = start + len(shown) < len(names)
        cursors = [*shown[:-1], shown[-1] if more else pages.END] if shown else []
        edges = [ArtifactAliasEdge(node=alias_of(self.card, name)) for name in shown]
        return ArtifactAliasConnection(edges=edges, page_info=pages.info(Listed(shown, cursors, more)))

    @strawberry.field
    async def artifacts(
        self,
        info: Info,
        after: str | None = None,
        first: int | None = None,
        order: str | None = None,
        filters: JSONString | None = None,
    ) -> VersionedArtifactConnectionRef | None:
        """Its versions."""
        return await page_of_versions(info.context, self.card, Asked(filters, order, after, first))

    @strawberry.field
    async def artifact_membership(self, info: Info, alias_name: str) -> ArtifactCollectionMembership | None:
        """One of its versions, by alias or number."""
        ctx = info.context
        try:
            return membership_of(await memberships.in_collection(ctx.tx, ctx.actor, self.card.id, alias_name))
        except NotFound:
            return None


@strawberry.type
class ArtifactSequence(ArtifactCollection):
    """An artifact: the line of versions that were logged under one name."""

    # Where the caller has just begun a version: what `latest` named before (or nothing); else it is looked up.
    before: strawberry.Private[Before | None] = None

    digest_algorithm: ArtifactDigestAlgorithm | None = ArtifactDigestAlgorithm.MANIFEST_MD5

    @strawberry.field
    async def latest_artifact(self, info: Info) -> ArtifactRef | None:
        """Its newest complete version."""
        if self.before is not None:
            return artifacts.artifact_of(self.before.latest) if self.before.latest is not None else None
        ctx = info.context
        found = await rooms.latest(ctx.tx, ctx.actor, self.card.id) if self.seen else None
        return artifacts.artifact_of(found) if found is not None else None


@strawberry.type
class ArtifactPortfolio(ArtifactCollection):
    """A release: a collection of links to versions."""


@strawberry.type
class ArtifactCollectionEdge:
    """A collection in a list."""

    node: ArtifactCollection | None
    cursor: str | None


@strawberry.type
class ArtifactCollectionConnection(Counted):
    """A page of collections."""

    edges: list[ArtifactCollectionEdge]
    page_info: PageInfo


@strawberry.type
class ArtifactCollectionMembership:
    """A version as an entry of a collection: its number and aliases there."""

    row: strawberry.Private[Membership]
    shown: strawberry.Private[Shown]

    id: strawberry.ID
    version_index: int | None
    created_at: DateTime

    @strawberry.field
    def aliases(self) -> list[ArtifactAlias]:
        """The names of this entry."""
        return [alias_of(self.row.collection, alias) for alias in self.row.aliases]

    @strawberry.field
    def artifact_collection(self) -> ArtifactCollection | None:
        """The collection."""
        return collection_of(self.row.collection)

    @strawberry.field
    def artifact(self) -> ArtifactRef | None:
        """The version."""
        return artifacts.artifact_of(self.row.version, self.shown)

    @strawberry.field
    async def files(
        self, info: Info, names: list[str] | None = None, after: str | None = None, first: int | None = None
    ) -> FileConnectionRef | None:
        """The files of the version."""
        return await files.page_of_version(info.context, self.row.version, names, after, first)


@strawberry.type
class ArtifactCollectionMembershipEdge:
    """An entry in a list."""

    node: ArtifactCollectionMembership | None
    cursor: str | None


@strawberry.type
class ArtifactCollectionMembershipConnection(Counted):
    """A page of entries."""

    edges: list[ArtifactCollectionMembershipEdge]
    page_info: PageInfo


# --- Making them of what the rooms answer


def tag_of(name: str) -> Tag:
    """Make a tag; its name is all that it has."""
    return Tag(id=ids.write("Tag", name.encode().hex()), name=name)


def alias_of(card: Card, alias: str) -> ArtifactAlias:
    """Make an alias in a collection."""
    return ArtifactAlias(card=card, id=ids.write("ArtifactAlias", card.id, alias.encode().hex()), alias=alias)


def collection_of(
    card: Card, state: ArtifactCollectionState = ArtifactCollectionState.READY
) -> ArtifactSequence | ArtifactPortfolio:
    """Make a collection."""
    kind = ArtifactSequence if card.kind == "artifact" else ArtifactPortfolio
    return kind(
        card=card,
        id=ids.write("ArtifactCollection", card.id),
        name=card.title,
        description=card.description,
        created_at=DateTime(card.created_at),
        updated_at=DateTime(card.updated_at),
        state=state,
    )


def sequence_of(version: Version, card: Card | None, *, before: Before | None = None) -> ArtifactSequence:
    """Make the artifact of a version; of one that the reader may not see, its name only."""
    made = collection_of(card or _hidden(version))
    assert isinstance(made, ArtifactSequence)
    made.seen = card is not None
    made.before = before
    return made


def membership_of(row: Membership, shown: Shown | None = None) -> ArtifactCollectionMembership:
    """Make an entry, shown alone or together with others."""
    return ArtifactCollectionMembership(
        row=row,
        shown=shown or Shown([row.version]),
        id=ids.write("ArtifactCollectionMembership", row.collection.id, row.version.id),
        version_index=row.number,
        created_at=DateTime(row.linked_at),
    )


def membership_connection(page: Listed[Any], rows: Sequence[Membership]) -> ArtifactCollectionMembershipConnection:
    """Make a page of entries; `rows` are those of the page, in its order."""
    shown = Shown([row.version for row in rows])
    edges = [
        ArtifactCollectionMembershipEdge(node=membership_of(row, shown), cursor=cursor)
        for row, cursor in zip(rows, page.cursors, strict=True)
    ]
    return ArtifactCollectionMembershipConnection(count=pages.known(len(rows)), edges=edges, page_info=pages.info(page))


def collection_connection(page: Listed[Any], cards: Sequence[Card], count: pages.Count) -> ArtifactCollectionConnection:
    """Make a page of collections; `cards` are those of the page, in its order."""
    edges = [
        ArtifactCollectionEdge(node=collection_of(card), cursor=cursor)
        for card, cursor in zip(cards, page.cursors, strict=True)
    ]
    return ArtifactCollectionConnection(count=count, edges=edges, page_info=pages.info(page))


# --- Finding them


async def place_of(ctx: Context, card: Card) -> Place | None:
    """Return the project or registry of a collection; None when it is out of sight.

    Whoever sees a private collection sees where it is: both are for the same people.
    """
    if card.visibility == "private":
        return places.of_card(card)
    if card.container_id is not None:
        return await _project(ctx, card.container_id)
    return await once(ctx, ("registry", card.owner_id), lambda: _registry(ctx, card.owner_id))


async def find_by_id(ctx: Context, collection_id: int | None) -> ArtifactCollection | None:
    """Find a collection by its number; None when there is none that the reader sees."""
    if collection_id is None:
        return None
    found = await numbered.cards(ctx.tx, ctx.actor, [collection_id])
    return collection_of(found[collection_id]) if found else None


async def need_card(ctx: Context, place: Place, name: str) -> Card:
    """Find a collection in a place by its name.

    Raises:
        NotFound: there is none that the reader sees.
    """
    found = await _card(ctx, place, name)
    if found is None:
        message = f"There is no collection {name[:150]!r} in {place.entity}/{place.name}."
        raise NotFound(message, field="artifactCollectionName")
    return found


async def find_collection(ctx: Context, place: Place, name: str) -> ArtifactCollection | None:
    """Find a collection by its name; None when there is none that the reader sees."""
    found = await _card(ctx, place, name)
    return collection_of(found) if found is not None else None


async def find_membership(ctx: Context, place: Place, name: str) -> ArtifactCollectionMembership | None:
    """Find an entry by `name:alias`; None when there is none that the reader sees."""
    found = await find_row(ctx, place, name)
    return membership_of(found) if found is not None else None


async def find_row(ctx: Context, place: Place, name: str) -> Membership | None:
    """Find an entry by `name:alias`, cut at the first colon; without an alias the newest."""
    collection, _, alias = name.partition(":")
    try:
        return await memberships.in_place(ctx.tx, ctx.actor, place.owner_id, place.container_id, collection, alias)
    except NotFound:
        return None


async def find_type(ctx: Context, place: Place, name: str) -> ArtifactType | None:
    """Find a type of a place; None when it has none of that name."""
    known = await _type_names(ctx, place)
    return ArtifactType(name=name, place=place) if name in known else None


async def page_of_types(ctx: Context, place: Place, after: str | None, first: int | None) -> ArtifactTypeConnection:
    """List the types of a place, by name."""
    names = [] if pages.ended(after) else sorted(await _type_names(ctx, place))
    start = names.index(after) + 1 if after in names else 0
    shown = names[start : start + pages.size(first)]
    more = start + len(shown) < len(names)
    cursors = [*shown[:-1], shown[-1] if more else pages.END] if shown else []
    return ArtifactTypeConnection(
        count=pages.known(len(names)),
        edges=[ArtifactTypeEdge(node=ArtifactType(name=name, place=place)) for name in shown],
        page_info=pages.info(Listed(shown, cursors, more)),
    )


async def page_of_collections(
    ctx: Context, place: Place, asked: Asked, accepting: str | None = None
) -> ArtifactCollectionConnection:
    """List the collections of a place, all or those of a type."""
    wanted = mongo.parse_text(asked.filters, vocabulary.COLLECTIONS)
    hits: Hits[CollectionHit] = Hits([], [], more=False)
    tx, actor, owner, window = ctx.tx, ctx.actor, place.owner_id, _window(asked, vocabulary.COLLECTIONS)
    project = place.container_id
    if pages.ended(asked.after):
        pass
    elif project is None:
        hits = await search.collections_of_registry(
            tx, actor, owner, window, accepting=accepting, collection_filter=wanted
        )
    else:
        hits = await search.collections_of_project(
            tx, actor, project, window, accepting=accepting, collection_filter=wanted
        )

    async def count() -> int:
        if project is None:
            return await search.count_collections_of_registry(
                tx, actor, owner, accepting=accepting, collection_filter=wanted
            )
        return await search.count_collections_of_project(
            tx, actor, project, accepting=accepting, collection_filter=wanted
        )

    return await collections_of_hits(ctx, hits, count)


async def collections_of_hits(
    ctx: Context, hits: Hits[CollectionHit], count: pages.Count
) -> ArtifactCollectionConnection:
    """Make a page of the collections that a search found."""
    found = await numbered.cards(ctx.tx, ctx.actor, [hit.id for hit in hits.rows])
    page = of_hits(hits, lambda hit: hit.id in found)
    return collection_connection(page, [found[hit.id] for hit in page.rows], count)


async def page_of_versions(ctx: Context, card: Card, asked: Asked) -> VersionedArtifactConnectionRef:
    """List the versions in a collection, the newest first if no other order is asked for."""
    wanted = mongo.parse_text(asked.filters, vocabulary.VERSIONS)
    hits: Hits[VersionHit] = Hits([], [], more=False)
    if not pages.ended(asked.after):
        window = _window(asked, vocabulary.VERSIONS)
        hits = await search.versions_of_collection(ctx.tx, ctx.actor, card.id, window, version_filter=wanted)
    page, rows = await rows_of_hits(ctx, hits)
    shown = Shown([row.version for row in rows])
    edges = [
        artifacts.VersionedArtifactEdge(
            version=f"v{row.number}", node=artifacts.artifact_of(row.version, shown), cursor=cursor
        )
        for row, cursor in zip(rows, page.cursors, strict=True)
    ]

    async def count() -> int:
        return await search.count_versions_of_collection(ctx.tx, ctx.actor, card.id, version_filter=wanted)

    return artifacts.VersionedArtifactConnection(count=count, edges=edges, page_info=pages.info(page))


async def rows_of_hits(ctx: Context, hits: Hits[VersionHit]) -> tuple[Listed[VersionHit], list[Membership]]:
    """Read the entries that a search found; one that has gone meanwhile is left out."""
    pairs = [(hit.collection_id, hit.item_id) for hit in hits.rows]
    found: Mapping[tuple[int, int], Membership] = await memberships.memberships(ctx.tx, ctx.actor, pairs)
    page = of_hits(hits, lambda hit: (hit.collection_id, hit.item_id) in found)
    return page, [found[hit.collection_id, hit.item_id] for hit in page.rows]


def of_hits(hits: Hits[Any], there: Any) -> Listed[Any]:  # noqa: ANN401 - a test of each hit
    """Make a page of what a search found, without what has gone since."""
    kept = [(hit, cursor) for hit, cursor in zip(hits.rows, hits.cursors, strict=True) if there(hit)]
    return Listed([hit for hit, _ in kept], [cursor for _, cursor in kept], hits.more)


def _window(asked: Asked, words: vocabulary.Vocabulary) -> Window:
    order = orders.parse(asked.order, words)
    return Window(order, min(pages.size(asked.first), MOST_ROWS), pages.cursor(asked.after))


def _hidden(version: Version) -> Card:
    """Say of an artifact that a reader may not see what its version, which he sees through a link, says itself."""
    return Card(
        id=version.artifact_id,
        kind="artifact",
        public_id=version.artifact_public_id,
        title=version.artifact,
        words="",
        types=[version.type],
        description="",
        tags=[],
        owner_id=version.owner_id,
        owner="",
        owner_kind="",
        owner_title="",
        organization_id=None,
        organization=None,
        container_id=None,
        container=None,
        visibility="private",
        revision=0,
        entry_count=0,
        created_at=version.created_at,
        updated_at=version.created_at,
    )


async def _card(ctx: Context, place: Place, name: str) -> Card | None:
    found = await numbered.find(ctx.tx, owner_id=place.owner_id, container_id=place.container_id, title=name)
    if found is None:
        return None
    return (await numbered.cards(ctx.tx, ctx.actor, [found])).get(found)


async def _type_names(ctx: Context, place: Place) -> list[str]:
    if place.container_id is None:
        return list((await places.registry_of(ctx, place)).types)
    return [row.name for row in await rooms.types(ctx.tx, ctx.actor, place.container_id)]


async def _project(ctx: Context, project_id: int) -> Place | None:
    async def find() -> Place | None:
        try:
            return places.of_project(await catalog.project_by_id(ctx.tx, ctx.actor, project_id))
        except NotFound:
            return None

    return await once(ctx, ("project", project_id), find)


async def _registry(ctx: Context, registry_id: int) -> Place | None:
    try:
        return places.of_registry(await registries.by_id(ctx.tx, ctx.actor, registry_id))
    except NotFound:
        return None
