"""What the modules of this wire share: the parameters of a page, and where a request finds the database."""

from __future__ import annotations

from codecs import BOM_UTF8
from typing import IO, Annotated

from fastapi import Depends, Query, Request

from pinakes.api.common import Cursor
from pinakes.server.state import State, state_of

LONGEST_PAGE = 1000

# The parameters of a list: how many rows of it, and where to go on.
Limit = Annotated[int, Query(ge=1, le=LONGEST_PAGE, description="How many rows at most.")]
After = Annotated[Cursor | None, Query(description="The `next` of the page before.")]


async def _state(request: Request) -> State:
    # A coroutine, since FastAPI runs other functions in a thread, which takes longer than all that is done here.
    return state_of(request)


# What a handler declares to reach the database and the settings: `async def handler(state: Here, ...)`.
Here = Annotated[State, Depends(_state)]


def past_mark(file: IO[bytes]) -> None:
    """Go to where a text begins: behind the byte order mark that some programs put before it."""
    file.seek(0)
    if file.read(len(BOM_UTF8)) != BOM_UTF8:
        file.seek(0)


def address_of(request: Request) -> str:
    """Return where a request comes from, to count attempts by."""
    return request.client.host if request.client else "unknown"
