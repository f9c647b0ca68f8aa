"""The catalog over the native API: repos, papers, buckets, references, and items of any kind.

`{owner}` is an account's name, or `-` for a repo without a namespace. All below `/api/v1`. The types are those of
`pinakes.api.catalog`.

| route | body → answer |
| --- | --- |
| GET /repos `?kind&owner&search*&tag*&pipeline_tag&gated&sort&limit&cursor` | → Page[Repo] |
| POST /repos | CreateRepo → 201 Repo |
| GET, PATCH, DELETE /repos/{kind}/{owner}/{name} | → Repo; UpdateRepo → Repo; → 204 |
| GET, PATCH, DELETE /repos/{kind}/{name} | the same, without a namespace |
| POST /repos/{kind}/{owner}/{name}/move | MoveRepo → Repo |
| PUT, DELETE /repos/{kind}/{owner}/{name}/like | → Votes |
| GET /repos/{kind}/{owner}/{name}/likes `?limit&cursor` | → Page[Voter] |
| GET /users/{name}/likes `?limit&cursor` | → Page[Liked] |
| GET /papers `?q&limit&cursor` | → Page[Paper] |
| POST /papers | RegisterPaper → 201 Paper; 200 for one that is known like that |
| GET, PATCH, DELETE /papers/{arxiv_id} | → Paper; UpdatePaper → Paper; → 204 |
| GET, PATCH, DELETE /papers/{archive}/{number} | the same for ids from before 2007: `hep-th/9901001` |
| GET /buckets `?owner&q&limit&cursor` | → Page[Bucket] |
| POST /buckets | CreateBucket → 201 Bucket |
| GET, PATCH, DELETE /buckets/{owner}/{name} | → Bucket; UpdateBucket → Bucket; → 204 |
| GET /references `?owner&q&limit&cursor` | → Page[Reference] |
| POST /references | CreateReference → 201 Reference |
| GET, PATCH, DELETE /references/{owner}/{name} | → Reference; UpdateReference → Reference; → 204 |
| GET /items `?kind*&owner&q&limit&cursor` | → Page[Item] |
| GET /items/{item} | → Item |
| PUT, DELETE /items/{item}/vote | → Votes |

A former address of a repo answers as its present one does; the answer says which that is. Every POST takes
`Idempotency-Key`.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path, Query, Response
from pydantic import BaseModel

from pinakes.api import catalog as api
from pinakes.api.common import MAX_INT4, STORABLE, AccountName, ItemKind, Page
from pinakes.server.actor import Actor
from pinakes.server.catalog import service as catalog
from pinakes.server.catalog.types import ItemListing, PaperChanges, ReferenceChanges, RepoChanges, RepoListing
from pinakes.server.db import Tx
from pinakes.server.permissions import service as permissions
from pinakes.server.state import State
from pinakes.server.wires.native._items import (
    show_bucket,
    show_item,
    show_liked,
    show_paper,
    show_reference,
    show_repo,
    show_voter,
)
from pinakes.server.wires.native._shared import After, Here, Limit
from pinakes.server.wires.native.auth import By
from pinakes.server.wires.native.errors import errors, router as make_router
from pinakes.server.wires.native.idempotency import Once

router = make_router("catalog")

# What can be no address is not found.
Kind = Annotated[api.RepoKind, Path(description="model, dataset or space.")]
Owner = Annotated[str, Path(description="The owner's name; `-` for a repo without a namespace.")]
AccountOwner = Annotated[str, Path(description="The owner's name.")]
Name = Annotated[str, Path(description="The name; case does not matter, and former ones are followed.")]
ArxivPath = Annotated[str, Path(description="The arXiv id.")]
Archive = Annotated[str, Path(description="What stands before the slash of an old arXiv id, like `hep-th`.")]
Number = Annotated[str, Path(description="What stands behind it.")]
ItemPath = Annotated[int, Path(ge=1, le=MAX_INT4, description="The item's number.")]
OwnerQuery = Annotated[AccountName | None, Query(description="Only what belongs to this account.")]
Text = Annotated[str, STORABLE, Query(max_length=500, pattern=r"^[^\u0000]*$")]
TagText = Annotated[str, STORABLE, Query(min_length=1, max_length=100, pattern=r"^[^\u0000]*[^\s\u0000][^\u0000]*$")]
Words = Annotated[Text | None, Query(description="Words that are all in its address or title.")]

_CONFLICT = errors(409)
_NO_CONTENT: dict[str, Any] = {"status_code": 204, "response_class": Response, "responses": _CONFLICT}
_KNOWN: dict[str, Any] = {"model": api.Paper, "description": "It is known, with these very facts."}


def _made(answer: BaseModel, status: int = 201) -> Response:
    return Response(answer.model_dump_json(), status, media_type="application/json")


def _address(owner: str, name: str) -> str:
    return name if owner == "-" else f"{owner}/{name}"


def _mine(actor: Actor, owner: str | None) -> str:
    """Return whose something new shall be: the actor's own, when he names nobody."""
    if owner is None:
        permissions.require_sign_in(actor)
        return actor.name
    return owner


# ----------------------------------------------------------------------------------------------------------------------
# Repos
# ----------------------------------------------------------------------------------------------------------------------


@router.get("/repos")
async def list_repos(
    state: Here,
    actor: By,
    kind: Annotated[api.RepoKind | None, Query(description="Only models, datasets or spaces.")] = None,
    owner: OwnerQuery = None,
    search: Annotated[list[Text] | None, Query(description="Words that are all in its address or title.")] = None,
    tag: Annotated[list[TagText] | None, Query(description="All of these tags.")] = None,
    pipeline_tag: Annotated[Text | None, Query(description="Only of this task.")] = None,
    gated: Annotated[bool | None, Query(description="Whether readers must ask for access.")] = None,
    sort: Annotated[api.RepoSort, Query(description="The highest or newest first.")] = "lastModified",
    limit: Limit = 100,
    cursor: After = None,
) -> Page[api.Repo]:
    """List the repos that one may see. Trending is by the likes of the last seven days."""
    listing = RepoListing(
        kind=kind,
        owner=owner,
        search=list(search) if search else None,
        tags=list(tag) if tag else None,
        pipeline_tag=pipeline_tag,
        gated=gated,
        sort=sort,
    )
    async with state.db.reading() as tx:
        page = await catalog.list_repos(tx, actor, listing, limit, cursor)
    return Page(rows=[show_repo(found, actor) for found in page.rows], next=page.next)


@router.post("/repos", status_code=201, response_model=api.Repo, responses=_CONFLICT)
async def create_repo(actor: By, once: Once, wanted: api.CreateRepo) -> Response:
    """Make a model, dataset or space. A name that is taken: 409, with the `address` that has it."""
    unowned = "owner" in wanted.model_fields_set and wanted.owner is None
    owner = None if unowned else _mine(actor, wanted.owner)

    async def work(tx: Tx) -> Response:
        made = await catalog.create_repo(
            tx,
            actor,
            wanted.kind,
            owner,
            wanted.name,
            visibility=wanted.visibility,
            gated=wanted.gated or None,
            title=wanted.title,
            description=wanted.description,
            sdk=wanted.sdk,
            pipeline_tag=wanted.pipeline_tag,
            library_name=wanted.library_name,
            tags=wanted.tags,
            card=wanted.card,
        )
        return _made(show_repo(made, actor))

    return await once.write(actor, work)


@router.get("/repos/{kind}/{owner}/{name}")
async def get_repo(state: Here, actor: By, kind: Kind, owner: Owner, name: Name) -> api.Repo:
    """Show a repo."""
    return await _get_repo(state, actor, kind, _address(owner, name))


@router.get("/repos/{kind}/{name}")
async def get_unowned_repo(state: Here, actor: By, kind: Kind, name: Name) -> api.Repo:
    """Show a repo without a namespace."""
    return await _get_repo(state, actor, kind, name)


@router.patch("/repos/{kind}/{owner}/{name}", responses=_CONFLICT)
async def update_repo(state: Here, actor: By, kind: Kind, owner: Owner, name: Name, wanted: api.UpdateRepo) -> api.Repo:
    """Give a repo new values. Hiding it takes it out of the sight of others at once, in every collection."""
    return await _update_repo(state, actor, kind, _address(owner, name), wanted)


@router.patch("/repos/{kind}/{name}", responses=_CONFLICT)
async def update_unowned_repo(state: Here, actor: By, kind: Kind, name: Name, wanted: api.UpdateRepo) -> api.Repo:
    """Give a repo without a namespace new values."""
    return await _update_repo(state, actor, kind, name, wanted)


@router.delete("/repos/{kind}/{owner}/{name}", **_NO_CONTENT)
async def delete_repo(state: Here, actor: By, kind: Kind, owner: Owner, name: Name) -> None:
    """Delete a repo: it is gone from every collection, and its name is free."""
    async with state.db.transaction() as tx:
        await catalog.delete_repo(tx, actor, kind, _address(owner, name))


@router.delete("/repos/{kind}/{name}", **_NO_CONTENT)
async def delete_unowned_repo(state: Here, actor: By, kind: Kind, name: Name) -> None:
    """Delete a repo without a namespace."""
    async with state.db.transaction() as tx:
        await catalog.delete_repo(tx, actor, kind, name)


@router.post("/repos/{kind}/{owner}/{name}/move", response_model=api.Repo, responses=_CONFLICT)
async def move_repo(actor: By, once: Once, kind: Kind, owner: Owner, name: Name, wanted: api.MoveRepo) -> Response:
    """Give a repo another name or owner. Its former address leads to it until something else takes it."""

    async def work(tx: Tx) -> Response:
        moved = await catalog.move_repo(tx, actor, kind, _address(owner, name), wanted.to)
        return Response(show_repo(moved, actor).model_dump_json(), media_type="application/json")

    return await once.write(actor, work)


@router.put("/repos/{kind}/{owner}/{name}/like")
async def like_repo(state: Here, actor: By, kind: Kind, owner: Owner, name: Name) -> api.Votes:
    """Like a repo; doing so twice changes nothing."""
    return await _vote(state, actor, kind, _address(owner, name), on=True)


@router.delete("/repos/{kind}/{owner}/{name}/like")
async def unlike_repo(state: Here, actor: By, kind: Kind, owner: Owner, name: Name) -> api.Votes:
    """Take a like back; doing so twice changes nothing."""
    return await _vote(state, actor, kind, _address(owner, name), on=False)


@router.get("/repos/{kind}/{owner}/{name}/likes")
async def list_likes(
    state: Here, actor: By, kind: Kind, owner: Owner, name: Name, limit: Limit = 100, cursor: After = None
) -> Page[api.Voter]:
    """List who likes a repo, the last first."""
    async with state.db.reading() as tx:
        page = await catalog.voters(tx, actor, kind, _address(owner, name), limit, cursor)
    return Page(rows=[show_voter(found) for found in page.rows], next=page.next)


@router.get("/users/{name}/likes")
async def list_likes_of_user(
    state: Here, actor: By, name: AccountOwner, limit: Limit = 100, cursor: After = None
) -> Page[api.Liked]:
    """List the repos that a user likes and the reader sees, the last first."""
    async with state.db.reading() as tx:
        page = await catalog.liked_by(tx, actor, name, limit, cursor)
    return Page(rows=[show_liked(found) for found in page.rows], next=page.next)


async def _get_repo(state: State, actor: Actor, kind: str, address: str) -> api.Repo:
    async with state.db.reading() as tx:
        return show_repo(await catalog.get_repo(tx, actor, kind, address), actor)


async def _update_repo(state: State, actor: Actor, kind: str, address: str, wanted: api.UpdateRepo) -> api.Repo:
    changes = RepoChanges(**wanted.model_dump(exclude={"gated"}), gated="" if wanted.gated is False else wanted.gated)
    async with state.db.transaction() as tx:
        return show_repo(await catalog.update_repo(tx, actor, kind, address, changes), actor)


async def _vote(state: State, actor: Actor, kind: str, address: str, *, on: bool) -> api.Votes:
    async with state.db.transaction() as tx:
        return api.Votes(votes=await catalog.vote(tx, actor, kind, address, on), voted=on)


# ----------------------------------------------------------------------------------------------------------------------
# Papers
# ----------------------------------------------------------------------------------------------------------------------


@router.get("/papers")
async def search_papers(
    state: Here,
    actor: By,
    q: Annotated[Text | None, Query(description="Words, or their beginnings, in the title or id.")] = None,
    limit: Limit = 100,
    cursor: After = None,
) -> Page[api.Paper]:
    """List papers, those first that were registered last."""
    async with state.db.reading() as tx:
        page = await catalog.search_papers(tx, actor, q, limit, cursor)
    return Page(rows=[show_paper(found, actor) for found in page.rows], next=page.next)


@router.post("/papers", status_code=201, response_model=api.Paper, responses={**_CONFLICT, 200: _KNOWN})
async def register_paper(actor: By, once: Once, wanted: api.RegisterPaper) -> Response:
    """Make a paper known. Known with the very same facts: 200, and nothing changes. With others: 409."""

    async def work(tx: Tx) -> Response:
        made = await catalog.register_paper(
            tx,
            actor,
            arxiv_id=wanted.id,
            title=wanted.title,
            authors=[author.model_dump() for author in wanted.authors],
            abstract=wanted.abstract,
            published_at=wanted.published_at,
        )
        return _made(show_paper(made.paper, actor), 201 if made.new else 200)

    return await once.write(actor, work)


@router.get("/papers/{arxiv_id}")
async def get_paper(state: Here, actor: By, arxiv_id: ArxivPath) -> api.Paper:
    """Show a paper."""
    async with state.db.reading() as tx:
        return show_paper(await catalog.get_paper(tx, actor, arxiv_id), actor)


@router.get("/papers/{archive}/{number}")
async def get_old_paper(state: Here, actor: By, archive: Archive, number: Number) -> api.Paper:
    """Show a paper that has an id from before 2007."""
    async with state.db.reading() as tx:
        return show_paper(await catalog.get_paper(tx, actor, f"{archive}/{number}"), actor)


@router.patch("/papers/{arxiv_id}")
async def update_paper(state: Here, actor: By, arxiv_id: ArxivPath, wanted: api.UpdatePaper) -> api.Paper:
    """Correct a paper. For whoever registered it, and administrators of the server."""
    return await _update_paper(state, actor, arxiv_id, wanted)


@router.patch("/papers/{archive}/{number}")
async def update_old_paper(
    state: Here, actor: By, archive: Archive, number: Number, wanted: api.UpdatePaper
) -> api.Paper:
    """Correct a paper that has an id from before 2007."""
    return await _update_paper(state, actor, f"{archive}/{number}", wanted)


@router.delete("/papers/{arxiv_id}", **_NO_CONTENT)
async def delete_paper(state: Here, actor: By, arxiv_id: ArxivPath) -> None:
    """Delete a paper. For whoever registered it, and administrators of the server."""
    async with state.db.transaction() as tx:
        await catalog.delete_paper(tx, actor, arxiv_id)


@router.delete("/papers/{archive}/{number}", **_NO_CONTENT)
async def delete_old_paper(state: Here, actor: By, archive: Archive, number: Number) -> None:
    """Delete a paper that has an id from before 2007."""
    async with state.db.transaction() as tx:
        await catalog.delete_paper(tx, actor, f"{archive}/{number}")


async def _update_paper(state: State, actor: Actor, arxiv_id: str, wanted: api.UpdatePaper) -> api.Paper:
    changes = PaperChanges(**wanted.model_dump())
    async with state.db.transaction() as tx:
        return show_paper(await catalog.update_paper(tx, actor, arxiv_id, changes), actor)


# ----------------------------------------------------------------------------------------------------------------------
# Buckets
# ----------------------------------------------------------------------------------------------------------------------


@router.get("/buckets")
async def list_buckets(
    state: Here, actor: By, owner: OwnerQuery = None, q: Words = None, limit: Limit = 100, cursor: After = None
) -> Page[api.Bucket]:
    """List the buckets that one may see, newest first."""
    async with state.db.reading() as tx:
        page = await catalog.list_buckets(tx, actor, owner, q, limit, cursor)
    return Page(rows=[show_bucket(found, actor) for found in page.rows], next=page.next)


@router.post("/buckets", status_code=201, response_model=api.Bucket, responses=_CONFLICT)
async def create_bucket(actor: By, once: Once, wanted: api.CreateBucket) -> Response:
    """Make a bucket known by its name. A name that is taken: 409, with the `address` that has it."""

    async def work(tx: Tx) -> Response:
        owner = _mine(actor, wanted.owner)
        made = await catalog.create_bucket(
            tx, actor, owner, wanted.name, visibility=wanted.visibility, title=wanted.title
        )
        return _made(show_bucket(made, actor))

    return await once.write(actor, work)


@router.get("/buckets/{owner}/{name}")
async def get_bucket(state: Here, actor: By, owner: AccountOwner, name: Name) -> api.Bucket:
    """Show a bucket."""
    async with state.db.reading() as tx:
        return show_bucket(await catalog.get_bucket(tx, actor, f"{owner}/{name}"), actor)


@router.patch("/buckets/{owner}/{name}", responses=_CONFLICT)
async def update_bucket(
    state: Here, actor: By, owner: AccountOwner, name: Name, wanted: api.UpdateBucket
) -> api.Bucket:
    """Give a bucket new values."""
    async with state.db.transaction() as tx:
        changed = await catalog.update_bucket(
            tx, actor, f"{owner}/{name}", visibility=wanted.visibility, title=wanted.title
        )
    return show_bucket(changed, actor)


@router.delete("/buckets/{owner}/{name}", **_NO_CONTENT)
async def delete_bucket(state: Here, actor: By, owner: AccountOwner, name: Name) -> None:
    """Forget a bucket: it is gone from every collection, and its name is free."""
    async with state.db.transaction() as tx:
        await catalog.delete_bucket(tx, actor, f"{owner}/{name}")


# ----------------------------------------------------------------------------------------------------------------------
# References
# ----------------------------------------------------------------------------------------------------------------------


@router.get("/references")
async def list_references(
    state: Here, actor: By, owner: OwnerQuery = None, q: Words = None, limit: Limit = 100, cursor: After = None
) -> Page[api.Reference]:
    """List the references that one may see, newest first."""
    async with state.db.reading() as tx:
        page = await catalog.list_references(tx, actor, owner, q, limit, cursor)
    return Page(rows=[show_reference(found, actor) for found in page.rows], next=page.next)


@router.post("/references", status_code=201, response_model=api.Reference, responses=_CONFLICT)
async def create_reference(actor: By, once: Once, wanted: api.CreateReference) -> Response:
    """Make known what lives elsewhere. A name that is taken: 409, with the `address` that has it."""

    async def work(tx: Tx) -> Response:
        made = await catalog.create_reference(
            tx,
            actor,
            _mine(actor, wanted.owner),
            wanted.name,
            kind_there=wanted.target_kind,
            url=wanted.url,
            title=wanted.title,
            visibility=wanted.visibility,
        )
        return _made(show_reference(made, actor))

    return await once.write(actor, work)


@router.get("/references/{owner}/{name}")
async def get_reference(state: Here, actor: By, owner: AccountOwner, name: Name) -> api.Reference:
    """Show a reference."""
    async with state.db.reading() as tx:
        return show_reference(await catalog.get_reference(tx, actor, f"{owner}/{name}"), actor)


@router.patch("/references/{owner}/{name}", responses=_CONFLICT)
async def update_reference(
    state: Here, actor: By, owner: AccountOwner, name: Name, wanted: api.UpdateReference
) -> api.Reference:
    """Give a reference new values."""
    changes = ReferenceChanges(
        kind_there=wanted.target_kind, url=wanted.url, title=wanted.title, visibility=wanted.visibility
    )
    async with state.db.transaction() as tx:
        return show_reference(await catalog.update_reference(tx, actor, f"{owner}/{name}", changes), actor)


@router.delete("/references/{owner}/{name}", **_NO_CONTENT)
async def delete_reference(state: Here, actor: By, owner: AccountOwner, name: Name) -> None:
    """Delete a reference; what it refers to stays where it is."""
    async with state.db.transaction() as tx:
        await catalog.delete_reference(tx, actor, f"{owner}/{name}")


# ----------------------------------------------------------------------------------------------------------------------
# Items of any kind
# ----------------------------------------------------------------------------------------------------------------------


@router.get("/items")
async def list_items(
    state: Here,
    actor: By,
    kind: Annotated[list[ItemKind] | None, Query(description="Any of these kinds.")] = None,
    owner: OwnerQuery = None,
    q: Words = None,
    limit: Limit = 100,
    cursor: After = None,
) -> Page[api.Item]:
    """List the items that one may see, newest first."""
    listing = ItemListing(kinds=list(kind) if kind else None, owner=owner, text=q)
    async with state.db.reading() as tx:
        page = await catalog.list_items(tx, actor, listing, limit, cursor)
    return Page(rows=[show_item(found, actor) for found in page.rows], next=page.next)


@router.get("/items/{item}")
async def get_item(state: Here, actor: By, item: ItemPath) -> api.Item:
    """Show an item by its number."""
    async with state.db.reading() as tx:
        return show_item(await catalog.get_item(tx, actor, item), actor)


@router.put("/items/{item}/vote")
async def vote_for_item(state: Here, actor: By, item: ItemPath) -> api.Votes:
    """Like or upvote an item of any kind; doing so twice changes nothing."""
    async with state.db.transaction() as tx:
        return api.Votes(votes=await catalog.vote_for_item(tx, actor, item, True), voted=True)  # noqa: FBT003


@router.delete("/items/{item}/vote")
async def take_back_vote_for_item(state: Here, actor: By, item: ItemPath) -> api.Votes:
    """Take a vote back; doing so twice changes nothing."""
    async with state.db.transaction() as tx:
        return api.Votes(votes=await catalog.vote_for_item(tx, actor, item, False), voted=False)  # noqa: FBT003
