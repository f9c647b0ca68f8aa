"""`GET /artifactsV2/…` and `GET /artifacts/…`: a file by its MD5, for who may download the version that it is of.

The client comes here for single entries, and when an address that it was given no longer works. The answer leads to an
address of the file; the client follows.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from pinakes.server.artifacts import files, transfers
from pinakes.server.artifacts.types import Content
from pinakes.server.errors import FileNotFound, NotFound, PinakesError
from pinakes.server.state import state_of
from pinakes.server.wires.wandb import errors, ids, places
from pinakes.server.wires.wandb.auth import actor_of
from pinakes.server.wires.wandb.context import Context, endpoint_of
from pinakes.server.wires.wandb.types import collections
from pinakes.server.wires.wandb.types.files import FOLDER, md5_of

Find: TypeAlias = Callable[[Context, dict[str, str], bytes], Awaitable[Content]]

_COLLECTION = "/artifactsV2/{region}/{entity}/{project}/{collection}"


async def of_version(request: Request) -> Response:
    """Lead to a file of a version."""
    return await _lead(request, _of_version)


async def of_birth(request: Request) -> Response:
    """Lead to a file by the version that first had it, as clients ask that know nothing of the longer path."""
    return await _lead(request, _of_birth)


async def of_owner(request: Request) -> Response:
    """Lead to a file of any version of an owner: where the first storage layout had it."""
    return await _lead(request, _of_owner)


async def _of_version(ctx: Context, path: dict[str, str], md5: bytes) -> Content:
    version_id = ids.read(path["artifact"], "Artifact")
    if version_id is None:
        raise _nothing()
    return await files.content(ctx.tx, ctx.actor, version_id, md5)


async def _of_birth(ctx: Context, path: dict[str, str], md5: bytes) -> Content:
    """Return what the first version has; should that be gone, or hidden, what the latest of the collection has."""
    try:
        return await _of_version(ctx, {"artifact": path["birth"]}, md5)
    except NotFound:
        place = await places.need(ctx, path["entity"], path["project"])
        found = await collections.find_row(ctx, place, path["collection"])
        if found is None:
            raise
        return await files.content(ctx.tx, ctx.actor, found.version.id, md5)


async def _of_owner(ctx: Context, path: dict[str, str], md5: bytes) -> Content:
    return await files.content_of_owner(ctx.tx, ctx.actor, path["entity"], md5)


async def _lead(request: Request, find: Find) -> Response:
    """Answer with the address of the content that a path names."""
    state, path = state_of(request), {key: str(value) for key, value in request.path_params.items()}
    try:
        md5 = md5_of(path["md5"])
        if md5 is None:
            raise _nothing()
        async with state.db.reading() as tx:
            ctx = Context(tx, await actor_of(tx, request), state, request, endpoint_of(request, state))
            found = await find(ctx, path, md5)
    except PinakesError as error:
        return errors.answer(error)
    name = path.get("name") or found.md5.hex()
    address = transfers.blob_download(
        state.signer, account_id=found.account_id, md5=found.md5, size=found.size, path=f"{FOLDER}/{name}"
    )
    return RedirectResponse(ctx.endpoint + address, 307, headers={"Cache-Control": "no-store"})


def _nothing() -> FileNotFound:
    return FileNotFound("No version has a file of that address.")


ROUTES = (
    Route(f"{_COLLECTION}/{{artifact}}/{{birth}}/{{md5}}/{{name}}", of_version, methods=["GET"]),
    Route(f"{_COLLECTION}/{{birth}}/{{md5}}/{{name}}", of_birth, methods=["GET"]),
    Route("/artifacts/{entity}/{md5}", of_owner, methods=["GET"]),
)
