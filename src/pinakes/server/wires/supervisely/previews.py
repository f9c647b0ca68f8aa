"""Addresses of files and of their previews, for whoever is shown the address: they need no credentials, and expire.

The same file has the same address for an hour, so that two answers about one item are equal and browsers keep it.
"""

from __future__ import annotations

import time
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pinakes.server.actor import system
from pinakes.server.catalog import media_files, thumbnails
from pinakes.server.catalog.media_types import Media
from pinakes.server.errors import FileNotFound, PinakesError
from pinakes.server.signing import DOWNLOADS, Ticket
from pinakes.server.state import State, state_of
from pinakes.server.wires.supervisely import downloads, errors

PATH = "/previews"
_ITEM = "preview/"
_HOUR = 3600
_TOKEN_AND_NAME = 2


def file_path(state: State, item: Media) -> str | None:
    """Return the path of an item's file, or the address where it is; None where it has neither."""
    if item.sha256 is None:
        return item.link
    key = media_files.media_key(item.owner_id, item.sha256)
    ticket = Ticket(operation="get", key=key, size=item.size, content_type=item.mime, name=str(item.id))
    return f"{DOWNLOADS}/{state.signer.token(ticket, _seconds())}/{quote(item.name)}"


def preview_address(state: State, endpoint: str, item_id: int | None) -> str | None:
    """Return the address of an item's preview."""
    if item_id is None:
        return None
    ticket = Ticket(operation="get", key=f"{_ITEM}{item_id}")
    return f"{endpoint}{PATH}/{state.signer.token(ticket, _seconds())}/preview.webp"


def _seconds() -> float:
    """Return for how long an address made now is good: one to two hours, until a full hour."""
    return 2 * _HOUR - time.time() % _HOUR


async def preview(request: Request) -> Response:
    """Answer with a preview; it is made when it is asked for first.

    The client makes addresses of smaller images by putting `/previews/q/…/plain` before the path of an image, which
    ends with a token and a name; how large it shall be is passed over.
    """
    state = state_of(request)
    parts = str(request.path_params["path"]).split("/")
    try:
        if len(parts) < _TOKEN_AND_NAME:
            raise FileNotFound
        ticket = state.signer.read(parts[-2], "get")
        number = ticket.name or ticket.key.removeprefix(_ITEM)
        if not number.isdigit():
            raise FileNotFound
        found = await thumbnails.thumbnail(state.db, state.blobs, system(), int(number))
        return await downloads.send(request, state.blobs, found)
    except PinakesError as error:
        return errors.answer(error)


ROUTES = (Route(f"{PATH}/{{path:path}}", preview, methods=["GET"]),)
