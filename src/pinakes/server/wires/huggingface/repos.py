"""The Hub's repositories as identities: create, look up, list, like, set, move, delete. Their files come later."""
# ruff: noqa: FAST003 - a handler takes a `Call`, which has the parameters of the path

from __future__ import annotations

from typing import Literal, cast
from urllib.parse import quote

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from pinakes.server.actor import Actor
from pinakes.server.catalog import service as catalog
from pinakes.server.catalog.types import ItemListing, Repo, RepoChanges, RepoKind, RepoListing
from pinakes.server.db import Tx
from pinakes.server.errors import AccessGated, Invalid, ItemNotFound, NameTaken, RevisionNotFound
from pinakes.server.people import service as people
from pinakes.server.permissions import service as permissions
from pinakes.server.permissions.table import Permission
from pinakes.server.wires.huggingface import encode
from pinakes.server.wires.huggingface.routing import Call, Form, RepoRoute, respond

router = APIRouter(prefix="/api", route_class=RepoRoute, include_in_schema=False)

SORTS = ("lastModified", "createdAt", "trendingScore", "downloads", "likes")
REVISION = "main"
# Filters on facts that are not kept here: nothing is known to match them.
UNKNOWN_FACTS = {
    "model": ("apps", "inference", "inference_provider", "num_parameters"),
    "dataset": (),
    "space": ("datasets", "models", "linked"),
}

Visibility = Literal["public", "private", "protected"]


class RepoName(Form):
    """A repository, as `create_repo` and `delete_repo` name it; without an organization it is the caller's own."""

    name: str
    organization: str | None = None
    type: RepoKind = "model"


class Access(Form):
    """Who sees a repository: `visibility`, or `private` from older clients."""

    visibility: Visibility | None = None
    private: bool | None = None

    def chosen(self) -> str | None:
        """Return the visibility asked for, None when nothing is said."""
        if self.visibility == "protected":
            message = 'visibility must be "public" or "private"; "protected" is not offered here.'
            raise Invalid(message, field="visibility")
        if self.visibility is None and self.private is not None:
            return "private" if self.private else "public"
        return self.visibility


class Creation(RepoName, Access):
    """What `create_repo` sends."""

    sdk: str | None = None


class Settings(Access):
    """What `update_repo_settings` sends."""

    gated: Literal["auto", "manual", False] | None = None


class Move(Form):
    """What `move_repo` sends."""

    fromRepo: str  # noqa: N815 - the Hub's spelling
    toRepo: str  # noqa: N815 - the Hub's spelling
    type: RepoKind = "model"


@router.post("/repos/create")
async def create_repo(call: Call) -> Response:
    """Create a repository; one that exists is a 409 with its `url`, which the client reads under `exist_ok`."""
    body = await call.decode(Creation)
    try:
        async with call.writing() as (tx, actor):
            permissions.require_sign_in(actor)
            made = await catalog.create_repo(
                tx,
                actor,
                body.type,
                body.organization or actor.name,
                body.name,
                visibility=body.chosen() or "public",
                sdk=body.sdk if body.type == "space" else None,
            )
    except NameTaken as error:
        address = str(error.details.get("address", body.name))
        raise NameTaken(error.message, field="name", details=_named(call, body.type, address)) from error
    return respond(_named(call, body.type, made.address))


@router.delete("/repos/delete")
async def delete_repo(call: Call) -> Response:
    """Delete a repository; it leaves every collection."""
    body = await call.decode(RepoName)
    async with call.writing() as (tx, actor):
        permissions.require_sign_in(actor)
        address = f"{body.organization or actor.name}/{body.name}"
        await catalog.delete_repo(tx, actor, body.type, address)
    return respond({"success": True})


@router.post("/repos/move")
async def move_repo(call: Call) -> Response:
    """Rename a repository or give it to another owner; the old name leads to the new one."""
    body = await call.decode(Move)
    try:
        async with call.writing() as (tx, actor):
            moved = await catalog.move_repo(tx, actor, body.type, body.fromRepo, body.toRepo)
    except NameTaken as error:
        raise NameTaken(error.message, field="toRepo", details=_named(call, body.type, body.toRepo)) from error
    return respond(_named(call, body.type, moved.address))


@router.get("/settings/repositories")
async def list_own_repos(call: Call) -> Response:
    """List all that the caller has, with its storage (no files, so none)."""
    async with call.reading() as (tx, actor):
        permissions.require_sign_in(actor)
        return await _storage(call, tx, actor, actor.name)


@router.get("/organizations/{name}/settings/repositories")
async def list_organization_repos(call: Call) -> Response:
    """List all that an organization has, as far as the caller sees it."""
    async with call.reading() as (tx, actor):
        account = await people.account(tx, call.path_params["name"])
        return await _storage(call, tx, actor, account.name)


@router.get("/{kind:hub_repos}")
async def list_repos(call: Call) -> Response:
    """Answer a page of models, datasets or spaces."""
    kind = _kind(call)
    if any(call.word(name) is not None for name in UNKNOWN_FACTS[kind]):
        return call.page([], None)
    listing = RepoListing(
        kind=kind,
        owner=call.word("author"),
        search=call.words("search"),
        tags=call.words("filter"),
        pipeline_tag=call.word("pipeline_tag"),
        gated=call.flag("gated"),
        sort=call.choice("sort", SORTS, "trendingScore"),
    )
    card = bool(call.flag("cardData") or call.flag("full"))
    expand = call.words("expand")
    async with call.reading() as (tx, actor):
        page = await catalog.list_repos(tx, actor, listing, call.limit, call.cursor)
    if expand is not None:
        return call.page([encode.repo_expanded(found, expand) for found in page.rows], page.next)
    return call.page([encode.repo(found, card=card) for found in page.rows], page.next)


@router.put("/{kind:hub_repos}/{owner}/{name}/settings")
@router.put("/{kind:hub_repos}/{name}/settings")
async def update_settings(call: Call) -> Response:
    """Change who sees a repository and whether it is gated."""
    body = await call.decode(Settings)
    changes = RepoChanges(visibility=body.chosen(), gated="" if body.gated is False else body.gated)
    async with call.writing() as (tx, actor):
        found = await catalog.update_repo(tx, actor, _kind(call), _address(call), changes)
    return respond({"private": found.visibility != "public", "gated": found.gated or False})


@router.post("/{kind:hub_repos}/{owner}/{name}/like")
@router.post("/{kind:hub_repos}/{name}/like")
async def like(call: Call) -> Response:
    """Like a repository."""
    return await _vote(call, on=True)


@router.delete("/{kind:hub_repos}/{owner}/{name}/like")
@router.delete("/{kind:hub_repos}/{name}/like")
async def unlike(call: Call) -> Response:
    """Take a like back."""
    return await _vote(call, on=False)


@router.get("/{kind:hub_repos}/{owner}/{name}/likers")
async def likers(call: Call) -> Response:
    """List who likes a repository."""
    async with call.reading() as (tx, actor):
        page = await catalog.voters(tx, actor, _kind(call), _address(call), call.limit, call.cursor)
    return call.page([encode.user(found.name, found.display_name) for found in page.rows], page.next)


@router.get("/{kind:hub_repos}/{owner}/{name}/auth-check")
async def check_read(call: Call) -> Response:
    """Say whether the caller may read a repository's content: a gated one is for those who have a role on its owner."""
    async with call.reading() as (tx, actor):
        found = await catalog.get_repo(tx, actor, _kind(call), _address(call))
    if found.gated and not permissions.allows(actor, Permission.ITEM_READ, owner_id=found.owner_id):
        message = f"Access to {found.kind} {found.address} is restricted and you are not in the authorized list."
        raise AccessGated(message)
    return respond({"ok": True})


@router.get("/{kind:hub_repos}/{owner}/{name}/auth-check/write")
async def check_write(call: Call) -> Response:
    """Say whether the caller may change a repository."""
    async with call.reading() as (tx, actor):
        found = await catalog.get_repo(tx, actor, _kind(call), _address(call))
    permissions.require(actor, Permission.ITEM_UPDATE, owner_id=found.owner_id, visibility=found.visibility)
    return respond({"ok": True})


@router.get("/{kind:hub_repos}/{owner}/{name}/revision/{revision:path}")
@router.get("/{kind:hub_repos}/{owner}/{name}")
@router.get("/{kind:hub_repos}/{name}/revision/{revision:path}")
@router.get("/{kind:hub_repos}/{name}")
async def repo_info(call: Call) -> Response:
    """Answer one repository; a former name redirects to the present one."""
    address = _address(call)
    try:
        async with call.reading() as (tx, actor):
            found = await catalog.get_repo(tx, actor, _kind(call), address)
    except ItemNotFound:
        return await _of_bare_name(call)
    if found.address.lower() != address.lower():
        return _redirect(call, found)
    if call.path_params.get("revision", REVISION) != REVISION:
        message = f"Invalid rev id: {call.path_params['revision']}"
        raise RevisionNotFound(message)
    expand = call.words("expand")
    return respond(encode.repo(found) if expand is None else encode.repo_expanded(found, expand))


async def _of_bare_name(call: Call) -> Response:
    """Answer `gpt2/likers`, which is no repository of an owner called gpt2, for the repository `gpt2`."""
    owner, name = call.path_params.get("owner"), call.path_params["name"]
    if owner is None or name not in _ABOUT:
        raise ItemNotFound
    call.scope["path_params"] = {"kind": call.path_params["kind"], "name": owner}
    return await _ABOUT[name](call)


# What one can ask about a repository in one more segment of its path.
_ABOUT = {"likers": likers, "auth-check": check_read}


def _kind(call: Call) -> RepoKind:
    return cast("RepoKind", call.path_params["kind"])


def _address(call: Call) -> str:
    owner = call.path_params.get("owner")
    name = str(call.path_params["name"])
    return f"{owner}/{name}" if owner else name


def _named(call: Call, kind: RepoKind, address: str) -> dict[str, object]:
    return {"url": encode.repo_url(call.endpoint, kind, address), "name": address, "id": address}


def _redirect(call: Call, found: Repo) -> Response:
    """Lead from a former name to the present one. The location has no host: so the client keeps its token."""
    there = f"{call.prefix}/api/{found.kind}s/{found.address}"
    if revision := call.path_params.get("revision"):
        there += f"/revision/{quote(revision, safe='')}"
    return RedirectResponse(f"{there}?{call.url.query}" if call.url.query else there, 307)


async def _vote(call: Call, *, on: bool) -> Response:
    async with call.writing() as (tx, actor):
        likes = await catalog.vote(tx, actor, _kind(call), _address(call), on)
    return respond({"likes": likes})


async def _storage(call: Call, tx: Tx, actor: Actor, owner: str) -> Response:
    listing = ItemListing(kinds=["model", "dataset", "space", "bucket"], owner=owner)
    page = await catalog.list_items(tx, actor, listing, call.limit, call.cursor)
    return call.page([encode.storage(found) for found in page.rows], page.next)
