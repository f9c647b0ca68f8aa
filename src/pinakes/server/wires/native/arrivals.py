"""Many small files in one body: a line of JSON before the bytes of each, `pinakes.api.media.SentFile`.

    {"name": "street-1.png", "size": 3385, "sha256": "9f86d081…"}
    (3385 bytes, and the next line right behind them)

The body is read as it comes, and a portion of it at a time is in memory.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

from pinakes.api.media import MAX_ITEMS, SentFile
from pinakes.server.catalog.media_files import SMALL_TOGETHER
from pinakes.server.catalog.media_types import Arrived
from pinakes.server.errors import Invalid, TooLarge
from pinakes.server.wires.native._problems import told

TYPE = "application/octet-stream"
SCHEMA: dict[str, Any] = {
    "type": "string",
    "format": "binary",
    "description": "For each file a line of JSON (SentFile), and right behind it so many bytes as the line says.",
}

# So many files are handled together, or as many bytes as are taken together: what is in memory of a body at a time.
_FILES = 250
_LONGEST_LINE = 8 * 1024


async def portions(body: AsyncIterator[bytes]) -> AsyncGenerator[list[Arrived]]:
    """Cut a body into files, and hand them out some at a time.

    Raises:
        Invalid: (field `body`) it is no such body, or ends within a file.
        TooLarge: it has too many files in it.
    """
    portion: list[Arrived] = []
    count, held = 0, 0
    async for file in _files(_Pieces(body)):
        count += 1
        if count > MAX_ITEMS:
            message = f"At most {MAX_ITEMS} files come in one body."
            raise TooLarge(message)
        portion.append(file)
        held += len(file.content)
        if len(portion) >= _FILES or held >= SMALL_TOGETHER:
            yield portion
            portion, held = [], 0
    if portion:
        yield portion


async def _files(pieces: _Pieces) -> AsyncGenerator[Arrived]:
    while (line := await pieces.line()) is not None:
        try:
            head = SentFile.model_validate_json(line)
        except ValidationError as error:
            why = f"the line before a file is none that we read ({_wrong_with(line, error)})"
            raise _malformed(why) from error
        content = await pieces.exactly(head.size)
        yield Arrived(head.name, content, bytes.fromhex(head.sha256))


class _Pieces:
    """A body that comes in pieces, read by lines and by lengths."""

    def __init__(self, body: AsyncIterator[bytes]) -> None:
        self._body: AsyncIterator[bytes] = body
        self._held: bytearray = bytearray()

    async def line(self) -> bytes | None:
        """Return the next line; None at the end."""
        while (end := self._held.find(b"\n")) < 0:
            if len(self._held) > _LONGEST_LINE:
                break
            if not await self._more():
                if self._held:
                    why = "it ends within a line"
                    raise _malformed(why)
                return None
        if not 0 <= end <= _LONGEST_LINE:
            why = "the line before a file is too long"
            raise _malformed(why)
        return self._taken(end + 1)

    async def exactly(self, size: int) -> bytes:
        """Return so many bytes."""
        while len(self._held) < size:
            if not await self._more():
                why = "it ends within a file"
                raise _malformed(why)
        return self._taken(size)

    async def _more(self) -> bool:
        async for piece in self._body:
            self._held += piece
            return True
        return False

    def _taken(self, size: int) -> bytes:
        with memoryview(self._held) as view:
            taken = bytes(view[:size])
        del self._held[:size]
        return taken


def _wrong_with(line: bytes, error: ValidationError) -> str:
    """Say what is wrong with the line before a file, in short by its first problem."""
    problems = error.errors(include_url=False)
    if problems[0]["type"] == "json_invalid":
        return "it is not JSON"
    found = told(problems, from_json(line))[0]
    message = found.message.rstrip(".")
    return f"{found.field}: {message}" if found.field else message


def _malformed(why: str) -> Invalid:
    return Invalid(f"The body can't be read: {why}.", field="body")
