"""Registries, releases and aliases over the native API.

`{org}` is an organization's name, `{registry}` a registry's, `{c}` an artifact or release: its id (24 hex digits), or
its slug's last segment. A version is named by its number on the server. All below `/api/v1`; the types are those of
`pinakes.api.releases`.

| route | body → answer |
| --- | --- |
| GET /registries `?limit&cursor` | → Page[Registry] that one may see |
| GET /organizations/{org}/registries `?limit&cursor` | → Page[Registry] |
| POST /organizations/{org}/registries | CreateRegistry → 201 Registry |
| GET, PATCH, DELETE /organizations/{org}/registries/{registry} | → Registry; UpdateRegistry → Registry; → 204 |
| GET /organizations/{org}/registries/{registry}/members, …/teams | → Page[RegistryMember] |
| PUT, DELETE …/members/{user}, …/teams/{team} | PutRole → RegistryMember; → 204 |
| GET …/protected-aliases | → Page[ProtectedAlias] |
| PUT, DELETE …/protected-aliases/{alias} | ProtectAlias → ProtectedAlias; → 204 |
| GET …/collections `?q&type&tag&limit&cursor` | → Page[Numbered] |
| POST …/collections | CreateRelease → 201 Numbered |
| POST …/links | LinkInto → Link; the release is made when it is not there |
| GET …/broken `?limit&cursor` | → Page[BrokenEntry] |
| GET /named/{owner}/{place}/{name} | → Numbered: of a registry of an organization, or of a project |
| GET /named/{owner}/{place}/{name}/versions/{alias} | → LinkedVersion; an alias, or `v3` |
| GET /collections/{c}/numbered | → Numbered |
| POST /collections/{c}/types | AddTypes → Numbered |
| GET /collections/{c}/versions `?sort&tombstones&limit&cursor` | → Page[LinkedVersion] |
| POST /collections/{c}/versions | LinkVersion → Link |
| GET /collections/{c}/versions/{name} | → LinkedVersion; an alias, or `v3` |
| POST /collections/{c}/unlink | UnlinkVersion → AliasChanged |
| PUT, DELETE /collections/{c}/aliases/{alias} | SetAlias → AliasChanged; → AliasChanged |
| GET /collections/{c}/aliases/{alias} `?at` | → AliasForm: what it named then (now, when left out) |
| GET /collections/{c}/alias-log `?alias&limit&cursor` | → Page[AliasForm], the last set first |
| GET /collections/{c}/link-log `?version&limit&cursor` | → Page[LinkRecord], the last linked first |
| GET /promotions `?collection&state&limit&cursor` | → Page[Promotion], newest first |
| POST /collections/{c}/promotions | RequestPromotion → 201 Promotion |
| GET /promotions/{id} | → Promotion |
| POST /promotions/{id}/votes | CastVote → Promotion |
| POST /promotions/{id}/withdraw | → Promotion |
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import Path, Query, Response
from pydantic import AwareDatetime, BaseModel

from pinakes.api import releases as api
from pinakes.api.common import MAX_INT4, STORABLE, Page
from pinakes.server.actor import Actor
from pinakes.server.artifacts import memberships
from pinakes.server.collections import numbered
from pinakes.server.collections.types import Card
from pinakes.server.db import Tx
from pinakes.server.errors import NotFound
from pinakes.server.paging import Page as Rows
from pinakes.server.people import service as people
from pinakes.server.registries import aliases, links, members, memory, promotions, releases, service as registries
from pinakes.server.registries.types import Existing, FirstLink, InRegistry, Located, RegistryChanges
from pinakes.server.search import filters, releases as search
from pinakes.server.wires.native import _releases as show
from pinakes.server.wires.native._changes import Changing, CollectionRef, Matching
from pinakes.server.wires.native._shared import After, Here, Limit
from pinakes.server.wires.native.auth import By
from pinakes.server.wires.native.errors import errors, router as make_router

router = make_router("releases")

Org = Annotated[str, Path(description="The organization's name.")]
Named = Annotated[str, Path(alias="registry", description="The registry's name; case does not matter.")]
User = Annotated[str, Path(description="The user's name.")]
Team = Annotated[str, Path(description="The team's name.")]
AliasPath = Annotated[str, STORABLE, Path(min_length=1, max_length=128, description="The alias.")]
NamedOwner = Annotated[str, STORABLE, Path(max_length=128, description="An organization, a team or a user.")]
NamedPlace = Annotated[str, STORABLE, Path(max_length=128, description="A registry's name, or a project's.")]
NamedName = Annotated[str, STORABLE, Path(max_length=128, description="The artifact's or release's name.")]
PromotionPath = Annotated[int, Path(alias="promotion", ge=1, le=MAX_INT4, description="The promotion's number.")]
Word = Annotated[str, STORABLE, Query(min_length=1, max_length=128, pattern=r"^[^\u0000]+$")]
Moment = Annotated[AwareDatetime | None, Query(description="A time with its zone, like `2026-03-14T12:00:00Z`.")]
Sort = Annotated[
    Literal["-number", "+number", "-created", "+created"], Query(description="By number or age, which end first.")
]

_CONFLICT = errors(409)
_CHANGED = errors(409, 412)
_NO_CONTENT: dict[str, Any] = {"status_code": 204, "response_class": Response, "responses": _CONFLICT}

IN_REGISTRY = "/organizations/{org}/registries/{registry}"


def _made(answer: BaseModel, status: int = 201) -> Response:
    return Response(answer.model_dump_json(), status, media_type="application/json")


async def _find(tx: Tx, actor: Actor, org: str, name: str) -> Located:
    return await registries.locate(tx, actor, org, name)


async def _card(tx: Tx, actor: Actor, ref: str) -> Card:
    """Return an artifact or release by its address."""
    return await numbered.card_at(tx, actor, ref)


# ----------------------------------------------------------------------------------------------------------------------
# Registries
# ----------------------------------------------------------------------------------------------------------------------


@router.get("/registries")
async def list_registries(state: Here, actor: By, limit: Limit = 100, cursor: After = None) -> Page[api.Registry]:
    """List the registries that one may see, by name."""
    async with state.db.reading() as tx:
        page = await registries.page(tx, actor, limit=limit, cursor=cursor)
    return Page(rows=[show.registry(found, actor) for found in page.rows], next=page.next)


@router.get("/organizations/{org}/registries")
async def list_registries_of(
    state: Here, actor: By, org: Org, limit: Limit = 100, cursor: After = None
) -> Page[api.Registry]:
    """List the registries of an organization that one may see, by name."""
    async with state.db.reading() as tx:
        page = await registries.page(tx, actor, organization=org, limit=limit, cursor=cursor)
    return Page(rows=[show.registry(found, actor) for found in page.rows], next=page.next)


@router.post("/organizations/{org}/registries", status_code=201, response_model=api.Registry, responses=_CONFLICT)
async def create_registry(change: Changing, org: Org, wanted: api.CreateRegistry) -> Response:
    """Open a registry; who opens it is its first admin. A name that is taken: 409."""

    async def work(tx: Tx) -> Response:
        made = await registries.create(
            tx,
            change.actor,
            org,
            wanted.name,
            visibility=wanted.visibility,
            description=wanted.description,
            types=wanted.types,
            on_deletion=wanted.on_deletion,
            reason=change.reason(wanted.reason),
        )
        return _made(show.registry(made, await _with_new_roles(tx, change.actor)))

    return await change.write(work)


async def _with_new_roles(tx: Tx, actor: Actor) -> Actor:
    """Return an actor with the roles that he has now: what he has just opened gave him one."""
    if actor.user_id is None:
        return actor
    return replace(actor, roles=(await people.actor_for_user(tx, actor.user_id, actor.api)).roles)


@router.get(IN_REGISTRY)
async def get_registry(state: Here, actor: By, org: Org, registry: Named) -> api.Registry:
    """Show a registry."""
    async with state.db.reading() as tx:
        return show.registry(await registries.get(tx, actor, org, registry), actor)


@router.patch(IN_REGISTRY, responses=_CONFLICT)
async def update_registry(
    state: Here, change: Changing, org: Org, registry: Named, wanted: api.UpdateRegistry
) -> api.Registry:
    """Change a registry. Types can be added, never taken away."""
    changes = RegistryChanges(
        name=wanted.name,
        visibility=wanted.visibility,
        description=wanted.description,
        types=wanted.types,
        all_types=wanted.all_types,
        on_deletion=wanted.on_deletion,
    )
    async with state.db.transaction() as tx:
        found = await _find(tx, change.actor, org, registry)
        why = change.reason(wanted.reason)
        changed = await registries.update(tx, change.actor, found.id, changes, reason=why)
    return show.registry(changed, change.actor)


@router.delete(IN_REGISTRY, **_NO_CONTENT)
async def delete_registry(state: Here, change: Changing, org: Org, registry: Named) -> None:
    """Close a registry; its releases go to the trash with it."""
    async with state.db.transaction() as tx:
        found = await _find(tx, change.actor, org, registry)
        await registries.delete(tx, change.actor, found.id, reason=change.reason())


@router.get(f"{IN_REGISTRY}/members")
async def list_registry_members(state: Here, actor: By, org: Org, registry: Named) -> Page[api.RegistryMember]:
    """List who was given a role in a registry; others have theirs by their organization or teams."""
    async with state.db.reading() as tx:
        found = await members.members(tx, actor, (await _find(tx, actor, org, registry)).id)
    return Page(rows=[_member(each) for each in found], next=None)


@router.put(f"{IN_REGISTRY}/members/{{user}}", responses=_CONFLICT)
async def put_registry_member(
    state: Here, actor: By, org: Org, registry: Named, user: User, wanted: api.PutRole
) -> api.RegistryMember:
    """Give somebody a role in a registry, which counts before any other that he has there."""
    async with state.db.transaction() as tx:
        found = await _find(tx, actor, org, registry)
        await members.add(tx, actor, found.id, users=[user], role=wanted.role)
        return _member(await members.set_user_role(tx, actor, found.id, user, wanted.role))


@router.delete(f"{IN_REGISTRY}/members/{{user}}", **_NO_CONTENT)
async def remove_registry_member(state: Here, actor: By, org: Org, registry: Named, user: User) -> None:
    """Take back a role that somebody was given in a registry."""
    async with state.db.transaction() as tx:
        found = await _find(tx, actor, org, registry)
        await members.remove(tx, actor, found.id, users=[user])


@router.get(f"{IN_REGISTRY}/teams")
async def list_registry_teams(state: Here, actor: By, org: Org, registry: Named) -> Page[api.RegistryMember]:
    """List the teams that were given a role in a registry."""
    async with state.db.reading() as tx:
        found = await members.teams(tx, actor, (await _find(tx, actor, org, registry)).id)
    return Page(rows=[_member(each) for each in found], next=None)


@router.put(f"{IN_REGISTRY}/teams/{{team}}", responses=_CONFLICT)
async def put_registry_team(
    state: Here, actor: By, org: Org, registry: Named, team: Team, wanted: api.PutRole
) -> api.RegistryMember:
    """Give a team of the organization a role in a registry."""
    async with state.db.transaction() as tx:
        found = await _find(tx, actor, org, registry)
        await members.add(tx, actor, found.id, teams=[team], role=wanted.role)
        return _member(await members.set_team_role(tx, actor, found.id, team, wanted.role))


@router.delete(f"{IN_REGISTRY}/teams/{{team}}", **_NO_CONTENT)
async def remove_registry_team(state: Here, actor: By, org: Org, registry: Named, team: Team) -> None:
    """Take back a role that a team was given in a registry."""
    async with state.db.transaction() as tx:
        found = await _find(tx, actor, org, registry)
        await members.remove(tx, actor, found.id, teams=[team])


def _member(found: Any) -> api.RegistryMember:  # noqa: ANN401 - a member or a team, alike as far as this goes
    return api.RegistryMember(
        name=found.name, display_name=found.display_name, role=found.role, created_at=found.created_at
    )


@router.get(f"{IN_REGISTRY}/protected-aliases")
async def list_protected_aliases(state: Here, actor: By, org: Org, registry: Named) -> Page[api.ProtectedAlias]:
    """List the aliases that only the registry's admins may set, move and remove."""
    async with state.db.reading() as tx:
        found = await aliases.protected(tx, actor, (await _find(tx, actor, org, registry)).id)
    return Page(rows=[_protected(each) for each in found], next=None)


@router.put(f"{IN_REGISTRY}/protected-aliases/{{alias}}", responses=_CONFLICT)
async def protect_alias(
    state: Here, change: Changing, org: Org, registry: Named, alias: AliasPath, wanted: api.ProtectAlias
) -> api.ProtectedAlias:
    """Protect an alias in all releases of a registry; with `approvals`, so many admins have to agree first."""
    async with state.db.transaction() as tx:
        found = await _find(tx, change.actor, org, registry)
        why = change.reason(wanted.reason)
        return _protected(
            await aliases.protect(tx, change.actor, found.id, alias, approvals=wanted.approvals, reason=why)
        )


@router.delete(f"{IN_REGISTRY}/protected-aliases/{{alias}}", **_NO_CONTENT)
async def unprotect_alias(state: Here, change: Changing, org: Org, registry: Named, alias: AliasPath) -> None:
    """Protect an alias no more."""
    async with state.db.transaction() as tx:
        found = await _find(tx, change.actor, org, registry)
        await aliases.unprotect(tx, change.actor, found.id, alias, reason=change.reason())


def _protected(found: Any) -> api.ProtectedAlias:  # noqa: ANN401 - the room's row of the same fields
    return api.ProtectedAlias(
        alias=found.alias, approvals=found.approvals, created_by=found.created_by, created_at=found.created_at
    )


@router.get(f"{IN_REGISTRY}/broken")
async def list_broken(
    state: Here, actor: By, org: Org, registry: Named, limit: Limit = 100, cursor: After = None
) -> Page[api.BrokenEntry]:
    """List the entries of a registry whose version was deleted, with what it was."""
    async with state.db.reading() as tx:
        found = await _find(tx, actor, org, registry)
        page = await memory.broken(tx, actor, found.id, limit=limit, cursor=cursor)
    return Page(rows=[show.broken(each) for each in page.rows], next=page.next)


# ----------------------------------------------------------------------------------------------------------------------
# Releases
# ----------------------------------------------------------------------------------------------------------------------


@router.get(f"{IN_REGISTRY}/collections", response_model=Page[api.Numbered])
async def list_releases(
    state: Here,
    actor: By,
    org: Org,
    registry: Named,
    q: Annotated[Word | None, Query(description="What its name contains.")] = None,
    type_: Annotated[Word | None, Query(alias="type", description="Only those that accept this type.")] = None,
    tag: Annotated[Word | None, Query(description="Only those with this tag.")] = None,
    limit: Limit = 100,
    cursor: After = None,
) -> Response:
    """List the releases in a registry, newest first."""
    wanted = _filter(q, tag)
    async with state.db.reading() as tx:
        found = await _find(tx, actor, org, registry)
        hits = await search.collections_of_registry(
            tx,
            actor,
            found.id,
            search.Window(limit=limit, cursor=cursor),
            accepting=type_,
            collection_filter=wanted,
        )
        cards = await numbered.cards(tx, actor, [hit.id for hit in hits.rows])
    rows = [show.numbered(cards[hit.id]) for hit in hits.rows if hit.id in cards]
    return _made(Page(rows=rows, next=hits.cursors[-1] if hits.more else None), 200)


def _filter(q: str | None, tag: str | None) -> filters.Expression:
    """Say what a list of releases is narrowed to."""
    parts: list[filters.Expression] = []
    if q is not None:
        parts.append(filters.Compare("name", filters.Op.CONTAINS, q, filters.Said("q", "name", "contains")))
    if tag is not None:
        parts.append(filters.Compare("tag", filters.Op.EQUALS, tag, filters.Said("tag", "tag", "=")))
    return filters.And(tuple(parts))


@router.post(f"{IN_REGISTRY}/collections", status_code=201, response_model=api.Numbered, responses=_CONFLICT)
async def create_release(change: Changing, org: Org, registry: Named, wanted: api.CreateRelease) -> Response:
    """Make a release in a registry, perhaps with its first version. A type that the registry refuses: 422."""

    async def work(tx: Tx) -> Response:
        first = None
        if wanted.first is not None:
            first = FirstLink(wanted.first.version, tuple(wanted.first.aliases))
        made = await releases.create(
            tx,
            change.actor,
            InRegistry(registry, wanted.name, org),
            wanted.types,
            description=wanted.description,
            tags=wanted.tags,
            link=first,
            reason=change.reason(wanted.reason),
        )
        return _made(show.numbered(made.card))

    return await change.write(work)


@router.post(f"{IN_REGISTRY}/links", response_model=api.Link, responses=_CONFLICT)
async def link_into_registry(change: Changing, org: Org, registry: Named, wanted: api.LinkInto) -> Response:
    """Link a version into a release of a registry, which is made, of the version's type, when it is not there."""

    async def work(tx: Tx) -> Response:
        target = InRegistry(registry, wanted.collection, org)
        why = change.reason(wanted.reason)
        with show.spelled(alias="aliases"):
            made = await links.link(tx, change.actor, wanted.version, target, wanted.aliases, reason=why)
        return _made(show.link(made), 200)

    return await change.write(work)


@router.get("/named/{owner}/{place}/{name}")
async def get_by_name(state: Here, actor: By, owner: NamedOwner, place: NamedPlace, name: NamedName) -> api.Numbered:
    """Show an artifact or a release by its name and those of where it is."""
    async with state.db.reading() as tx:
        return show.numbered(await releases.named(tx, actor, owner, place, name))


@router.get("/named/{owner}/{place}/{name}/versions/{alias}")
async def get_version_of_named(
    state: Here, actor: By, owner: NamedOwner, place: NamedPlace, name: NamedName, alias: AliasPath
) -> api.LinkedVersion:
    """Show the version that an alias or a number (`v3`) names in an artifact or release that is named likewise."""
    async with state.db.reading() as tx:
        card = await releases.named(tx, actor, owner, place, name)
        return show.linked(await memberships.in_collection(tx, actor, card.id, alias), actor)


@router.get("/collections/{collection}/numbered")
async def get_numbered(state: Here, actor: By, collection: CollectionRef) -> api.Numbered:
    """Show an artifact or a release as such: its types, and where it belongs."""
    async with state.db.reading() as tx:
        return show.numbered(await _card(tx, actor, collection))


@router.post("/collections/{collection}/types", responses=_CHANGED)
async def add_types(state: Here, change: Matching, collection: CollectionRef, wanted: api.AddTypes) -> api.Numbered:
    """Let a release accept more types; it never accepts fewer."""
    async with state.db.transaction() as tx:
        card = await _card(tx, change.actor, collection)
        why = change.reason(wanted.reason)
        changed = await releases.add_types(
            tx, change.actor, card.id, wanted.types, expected=change.expected, reason=why
        )
        return show.numbered(changed)


@router.get("/collections/{collection}/versions", response_model=Page[api.LinkedVersion])
async def list_versions(
    state: Here,
    actor: By,
    collection: CollectionRef,
    sort: Sort = "-number",
    tombstones: Annotated[bool, Query(description="Also those whose version was deleted.")] = False,  # noqa: FBT002
    limit: Limit = 100,
    cursor: After = None,
) -> Response:
    """List the versions in an artifact or release, the newest first."""
    async with state.db.reading() as tx:
        page: Rows[Any] = await memberships.page(
            tx, actor, collection, sort=sort, tombstones=tombstones, limit=limit, cursor=cursor
        )
    return _made(Page(rows=[show.linked(found, actor) for found in page.rows], next=page.next), 200)


@router.post("/collections/{collection}/versions", response_model=api.Link, responses=_CHANGED)
async def link_version(change: Matching, collection: CollectionRef, wanted: api.LinkVersion) -> Response:
    """Link a version into a release. Again, it keeps its number, and the aliases are added."""

    async def work(tx: Tx) -> Response:
        why = change.reason(wanted.reason)
        made = await links.link(
            tx,
            change.actor,
            wanted.version,
            Existing(collection),
            wanted.aliases,
            expected=change.expected,
            reason=why,
        )
        return _made(show.link(made), 200)

    return await change.write(work)


@router.get("/collections/{collection}/versions/{name}", response_model=api.LinkedVersion)
async def get_version_by_name(
    state: Here,
    actor: By,
    collection: CollectionRef,
    name: Annotated[str, STORABLE, Path(min_length=1, max_length=128, description="An alias, or `v3`.")],
) -> Response:
    """Show the version that an alias or a number names in an artifact or release."""
    async with state.db.reading() as tx:
        found = await memberships.by_address(tx, actor, collection, name)
    return _made(show.linked(found, actor), 200)


@router.post("/collections/{collection}/unlink", response_model=api.AliasChanged, responses=_CHANGED)
async def unlink_version(change: Matching, collection: CollectionRef, wanted: api.UnlinkVersion) -> Response:
    """Take a version out of a release; its aliases there end, and `latest` goes on to the newest that is left."""

    async def work(tx: Tx) -> Response:
        card = await _card(tx, change.actor, collection)
        why = change.reason(wanted.reason)
        revision = await links.unlink(tx, change.actor, wanted.version, card.id, expected=change.expected, reason=why)
        return _made(api.AliasChanged(revision=revision), 200)

    return await change.write(work)


# ----------------------------------------------------------------------------------------------------------------------
# Aliases, and what they were
# ----------------------------------------------------------------------------------------------------------------------


@router.put("/collections/{collection}/aliases/{alias}", response_model=api.AliasChanged, responses=_CHANGED)
async def set_alias(change: Matching, collection: CollectionRef, alias: AliasPath, wanted: api.SetAlias) -> Response:
    """Let an alias name a version, and no other any more. A protected one takes a registry's admin."""

    async def work(tx: Tx) -> Response:
        revision = await aliases.set_aliases(
            tx,
            change.actor,
            collection,
            wanted.version,
            [alias],
            expected=change.expected,
            reason=change.reason(wanted.reason),
        )
        return _made(api.AliasChanged(revision=revision), 200)

    return await change.write(work)


@router.delete("/collections/{collection}/aliases/{alias}", responses=_CHANGED)
async def remove_alias(state: Here, change: Matching, collection: CollectionRef, alias: AliasPath) -> api.AliasChanged:
    """Take an alias away; one that is not there is no error."""
    async with state.db.transaction() as tx:
        revision = await aliases.remove_aliases(
            tx, change.actor, collection, [alias], expected=change.expected, reason=change.reason()
        )
    return api.AliasChanged(revision=revision)


@router.get("/collections/{collection}/aliases/{alias}")
async def alias_at(
    state: Here, actor: By, collection: CollectionRef, alias: AliasPath, at: Moment = None
) -> api.AliasForm:
    """Tell what an alias named at a moment (now, when none is given), who set it, and why."""
    async with state.db.reading() as tx:
        found = await memory.alias_at(tx, actor, collection, alias, at or datetime.now(UTC))
    if found is None:
        message = f"The alias {alias!r} named nothing then."
        raise NotFound(message, field="alias")
    return show.alias_form(found)


@router.get("/collections/{collection}/alias-log")
async def alias_log(
    state: Here,
    actor: By,
    collection: CollectionRef,
    alias: Annotated[Word | None, Query(description="Only this one.")] = None,
    limit: Limit = 100,
    cursor: After = None,
) -> Page[api.AliasForm]:
    """List what aliases of an artifact or release named and name, the last set first."""
    async with state.db.reading() as tx:
        page = await memory.alias_log(tx, actor, collection, alias=alias, limit=limit, cursor=cursor)
    return Page(rows=[show.alias_form(found) for found in page.rows], next=page.next)


@router.get("/collections/{collection}/link-log")
async def link_log(
    state: Here,
    actor: By,
    collection: CollectionRef,
    version: Annotated[int | None, Query(ge=1, le=MAX_INT4, description="Only of this version.")] = None,
    limit: Limit = 100,
    cursor: After = None,
) -> Page[api.LinkRecord]:
    """List the links of a release, present and past, the last made first."""
    async with state.db.reading() as tx:
        page = await memory.link_log(tx, actor, collection, version_id=version, limit=limit, cursor=cursor)
    return Page(rows=[show.link_record(found) for found in page.rows], next=page.next)


# ----------------------------------------------------------------------------------------------------------------------
# Promotions
# ----------------------------------------------------------------------------------------------------------------------


@router.get("/promotions")
async def list_promotions(
    state: Here,
    actor: By,
    collection: Annotated[
        str | None,
        Query(
            pattern=r"^(?:[A-Za-z0-9_-]*-)?[0-9a-fA-F]{24}$", max_length=400, description="Only those of this release."
        ),
    ] = None,
    state_: Annotated[api.PromotionState | None, Query(alias="state", description="Only those in this state.")] = None,
    limit: Limit = 100,
    cursor: After = None,
) -> Page[api.Promotion]:
    """List the promotions that one may see, newest first."""
    async with state.db.reading() as tx:
        page = await promotions.page(tx, actor, ref=collection, state=state_, limit=limit, cursor=cursor)
    return Page(rows=[show.promotion(found) for found in page.rows], next=page.next)


@router.post("/collections/{collection}/promotions", status_code=201, response_model=api.Promotion, responses=_CONFLICT)
async def request_promotion(change: Changing, collection: CollectionRef, wanted: api.RequestPromotion) -> Response:
    """Ask for a protected alias to be set; asking again for the same answers the open request."""

    async def work(tx: Tx) -> Response:
        why = change.reason(wanted.reason)
        made = await promotions.request(tx, change.actor, collection, wanted.alias, wanted.version, reason=why)
        return _made(show.promotion(made))

    return await change.write(work)


@router.get("/promotions/{promotion}")
async def get_promotion(state: Here, actor: By, promotion: PromotionPath) -> api.Promotion:
    """Show a promotion, with who said what."""
    async with state.db.reading() as tx:
        return show.promotion(await promotions.get(tx, actor, promotion))


@router.post("/promotions/{promotion}/votes", response_model=api.Promotion, responses=_CONFLICT)
async def vote_on_promotion(change: Changing, promotion: PromotionPath, wanted: api.CastVote) -> Response:
    """Approve or reject a promotion; the last approval sets the alias at once, one rejection ends it."""

    async def work(tx: Tx) -> Response:
        done = await promotions.vote(tx, change.actor, promotion, approve=wanted.approve, comment=wanted.comment)
        return _made(show.promotion(done), 200)

    return await change.write(work)


@router.post("/promotions/{promotion}/withdraw", response_model=api.Promotion, responses=_CONFLICT)
async def withdraw_promotion(change: Changing, promotion: PromotionPath) -> Response:
    """Take back one's own request."""

    async def work(tx: Tx) -> Response:
        return _made(show.promotion(await promotions.withdraw(tx, change.actor, promotion)), 200)

    return await change.write(work)
