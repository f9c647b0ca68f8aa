"""Who the caller is, and what the Hub tells of users and organizations."""
# ruff: noqa: FAST003 - a handler takes a `Call`, which has the parameters of the path

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from pinakes.server.catalog import service as catalog
from pinakes.server.db import Tx
from pinakes.server.errors import AccountNotFound
from pinakes.server.people import service as people
from pinakes.server.people.types import Account
from pinakes.server.wires.huggingface import encode
from pinakes.server.wires.huggingface.routing import Call, HubRoute, respond

router = APIRouter(prefix="/api", route_class=HubRoute, include_in_schema=False)


@router.get("/whoami-v2")
async def whoami(call: Call) -> Response:
    """Say whose token that is; `create_collection` without a namespace asks this every time."""
    async with call.reading() as (tx, actor):
        profile = await people.whoami(tx, actor)
    return respond(encode.whoami(profile))


@router.get("/agent-harnesses")
async def agent_harnesses(_: Call) -> Response:
    """Tell the client's once-a-day question for programs that drive it that there are none."""
    return respond({"standardEnvVars": [], "harnesses": {}})


@router.get("/users/{name}/overview")
async def user_overview(call: Call) -> Response:
    """Tell of a user."""
    async with call.reading() as (tx, actor):
        account = await people.user(tx, call.path_params["name"])
        organizations = await people.organizations_of(tx, actor, account.name)
    return respond(encode.user_overview(account, organizations))


@router.get("/users/{name}/likes")
async def user_likes(call: Call) -> Response:
    """List the repositories that a user likes."""
    async with call.reading() as (tx, actor):
        page = await catalog.liked_by(tx, actor, call.path_params["name"], call.limit, call.cursor)
    return call.page([encode.like(found) for found in page.rows], page.next)


@router.get("/organizations/{name}/overview")
async def organization_overview(call: Call) -> Response:
    """Tell of an organization or a team."""
    async with call.reading() as (tx, _):
        account = await _group(tx, call)
    return respond(encode.organization_overview(account))


@router.get("/organizations/{name}/members")
async def organization_members(call: Call) -> Response:
    """List an organization's members, for those who may know them."""
    async with call.reading() as (tx, actor):
        group = await _group(tx, call)
        found = await people.members(tx, actor, group)
    return call.page([encode.member(membership) for membership in found], None)


async def _group(tx: Tx, call: Call) -> Account:
    """Find an organization or a team; the Hub does not tell them apart."""
    found = await people.account(tx, call.path_params["name"])
    if found.kind == "user":
        raise AccountNotFound
    return found
