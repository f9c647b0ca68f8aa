"""What the modules of this wire share: a page's parameters, where a request finds the database, bodies of lines."""

from __future__ import annotations

from codecs import BOM_UTF8
from dataclasses import dataclass
from hashlib import sha256
from tempfile import SpooledTemporaryFile
from typing import IO, Annotated, cast

from fastapi import Depends, Query, Request
from starlette.requests import ClientDisconnect

from pinakes.api.common import Cursor
from pinakes.server import bodies
from pinakes.server.errors import Invalid, TooLarge
from pinakes.server.state import State, state_of

LONGEST_PAGE = 1000

# A spooled file up to this size stays in memory.
_IN_MEMORY = 1_000_000

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


@dataclass(frozen=True, slots=True)
class Spool:
    """A body on disk (a small one in memory), how many lines it has, and its digest."""

    file: IO[bytes]
    lines: int
    digest: bytes


class _File(SpooledTemporaryFile[bytes]):
    """A file without a name: in memory while it is small, gone when it is forgotten."""

    def __del__(self) -> None:
        """Close it: whoever used it last need not know that he was the last."""
        self.close()


def spooled_file() -> IO[bytes]:
    """Make a file for what may be too large to keep in memory."""
    return cast("IO[bytes]", _File(max_size=_IN_MEMORY))


async def take_in(request: Request, *, most: int) -> Spool:
    """Take in a body of at most so many lines. Nothing is locked meanwhile, and it is never in memory whole.

    Raises:
        TooLarge: it has more lines.
        Invalid: (field `body`) it ended before it was complete.
    """
    bodies.streamed(request)
    file, digest = spooled_file(), sha256()
    lines, last = 0, b"\n"
    try:
        async for chunk in request.stream():
            if chunk:
                file.write(chunk)
                digest.update(chunk)
                lines += chunk.count(b"\n")
                last = chunk[-1:]
            if lines > most:
                message = f"A bulk call takes at most {most} lines."
                raise TooLarge(message, details={"limit": most})
    except ClientDisconnect as error:
        message = "The body ended before it was complete; nothing was done."
        raise Invalid(message, field="body") from error
    return Spool(file, lines + (last != b"\n"), digest.digest())
