"""Multipart bodies: those that come are read part by part as they stream in; those that go are written likewise."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass, field
from email.message import Message
from typing import Any, Protocol

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from pinakes.server.blobs import Blobs
from pinakes.server.errors import Invalid

# The client sends at most 50 files in one body.
MOST_PARTS = 1000
_LONGEST_HEADER = 8000


class Body(Protocol):
    """The bytes of a file in the store."""

    @property
    def key(self) -> str:
        """Where they are."""
        ...

    @property
    def size(self) -> int:
        """How many."""
        ...


@dataclass
class Part:
    """One part of a body; its content has to be read before the next part is asked for, or it is skipped."""

    name: str
    filename: str | None
    _stream: _Stream

    async def chunks(self) -> AsyncGenerator[bytes]:
        """Go through the content as it arrives."""
        while (piece := await self._stream.piece()) is not None:
            yield piece

    async def read(self, most: int) -> bytes:
        """Return a small content whole."""
        found = bytearray()
        async for piece in self.chunks():
            found += piece
            if len(found) > most:
                message = f"{self.name}: at most {most} bytes are taken here."
                raise Invalid(message, field=self.name)
        return bytes(found)


async def parts(request: Request) -> AsyncGenerator[Part]:
    """Go through the parts of a multipart body, in their order.

    Raises:
        Invalid: (field `body`) it is none, or breaks off.
    """
    stream = _Stream(request)
    count = 0
    while (headers := await stream.part()) is not None:
        count += 1
        if count > MOST_PARTS:
            message = f"A body has at most {MOST_PARTS} parts."
            raise Invalid(message, field="body")
        name, filename = _names(headers)
        part = Part(name, filename, stream)
        yield part
        async for _ in part.chunks():
            pass


@dataclass
class _Stream:
    """Feeds the parser with what arrives, and keeps what it has found."""

    request: Request
    found: deque[bytes | dict[str, str] | None] = field(default_factory=deque[bytes | dict[str, str] | None])
    headers: dict[str, str] = field(default_factory=dict[str, str])
    _name: bytes = b""
    _value: bytes = b""

    def __post_init__(self) -> None:
        self.ended: bool = False
        message = Message()
        message["content-type"] = self.request.headers.get("content-type", "")
        boundary = message.get_param("boundary")
        if message.get_content_type() != "multipart/form-data" or not isinstance(boundary, str) or not boundary:
            why = "it has to be multipart/form-data with a boundary"
            raise _malformed(why)
        callbacks: Any = {
            "on_part_begin": self._begin,
            "on_part_data": self._data,
            "on_part_end": lambda: self.found.append(None),
            "on_header_field": self._field,
            "on_header_value": self._content,
            "on_header_end": self._header,
            "on_headers_finished": lambda: self.found.append(self.headers),
            "on_end": self._end,
        }
        self._parser = MultipartParser(boundary.encode("latin-1", "replace"), callbacks)
        self._body: AsyncIterator[bytes] = self.request.stream()

    async def part(self) -> dict[str, str] | None:
        """Return the headers of the next part; None after the last."""
        while True:
            if self.found:
                found = self.found.popleft()
                if isinstance(found, dict):
                    return found
            elif not await self._feed():
                return None

    async def piece(self) -> bytes | None:
        """Return the next piece of the current part; None at its end."""
        while True:
            if self.found:
                if isinstance(self.found[0], dict):
                    return None  # the part was read to its end before
                found = self.found.popleft()
                assert not isinstance(found, dict)
                return found
            if not await self._feed():
                return None

    async def _feed(self) -> bool:
        """Let the parser see more of the body; False at the end of it."""
        try:
            async for chunk in self._body:
                if chunk:
                    self._parser.write(chunk)
                    return True
        except FormParserError as error:
            raise _malformed(str(error)) from error
        if not self.ended:
            why = "it ends before its last boundary"
            raise _malformed(why)
        return False

    def _begin(self) -> None:
        self.headers = {}

    def _end(self) -> None:
        self.ended = True

    def _data(self, data: bytes, start: int, end: int) -> None:
        self.found.append(data[start:end])

    def _field(self, data: bytes, start: int, end: int) -> None:
        self._name = self._fit(self._name + data[start:end])

    def _content(self, data: bytes, start: int, end: int) -> None:
        self._value = self._fit(self._value + data[start:end])

    def _header(self) -> None:
        self.headers[self._name.decode("latin-1").lower()] = self._value.decode("utf-8", "replace")
        self._name = self._value = b""

    def _fit(self, text: bytes) -> bytes:
        if len(text) > _LONGEST_HEADER:
            why = "a header of a part is too long"
            raise _malformed(why)
        return text


def _malformed(why: str) -> Invalid:
    return Invalid(f"The body can't be read: {why}.", field="body")


def _names(headers: dict[str, str]) -> tuple[str, str | None]:
    message = Message()
    message["content-disposition"] = headers.get("content-disposition", "").replace("\n", " ").replace("\r", " ")
    name = message.get_param("name", header="content-disposition")
    filename = message.get_param("filename", header="content-disposition")
    if not isinstance(name, str):
        why = "a part has no name"
        raise _malformed(why)
    return name, filename if isinstance(filename, str) else None


@dataclass(frozen=True, slots=True)
class Sent:
    """One part to send: the text of its Content-Disposition behind `form-data; `, and a file or bytes."""

    disposition: str
    body: Body | bytes

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return len(self.body) if isinstance(self.body, bytes) else self.body.size


def named(name: str | int) -> str:
    """Write the name of a part that is called by an id or a hash."""
    return f'name="{name}"'


def multipart(blobs: Blobs, sent: Sequence[Sent]) -> Response:
    """Answer with several files; they are streamed from the store one after the other."""
    boundary = os.urandom(16).hex()
    heads = [
        f"--{boundary}\r\nContent-Disposition: form-data; {each.disposition}\r\n"
        "Content-Type: application/octet-stream\r\n\r\n"
        for each in sent
    ]
    tail = f"--{boundary}--\r\n".encode()
    length = sum(len(head.encode()) + each.size + 2 for head, each in zip(heads, sent, strict=True)) + len(tail)

    async def written() -> AsyncGenerator[bytes]:
        for head, each in zip(heads, sent, strict=True):
            yield head.encode()
            if isinstance(each.body, bytes):
                yield each.body
            else:
                async for chunk in await blobs.stream(each.body.key):
                    yield chunk
            yield b"\r\n"
        yield tail

    headers = {"Content-Length": str(length), "Content-Type": f"multipart/form-data; boundary={boundary}"}
    return StreamingResponse(written(), headers=headers)
