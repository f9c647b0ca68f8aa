"""What the operations on collections share: how a collection is named, and what a request that changes one carries."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Path, Request, Response
from starlette.convertors import Convertor, register_url_convertor

from pinakes.api.common import MAX_INT4, REASON
from pinakes.server.actor import Actor
from pinakes.server.db import Tx
from pinakes.server.errors import Invalid
from pinakes.server.wires.native.auth import By
from pinakes.server.wires.native.idempotency import Key, OnceOnly

_ETAG = re.compile(r'(?:W/)?"?([0-9]{1,10})"?')


class _EntryConvertor(Convertor[str]):
    """A segment of a path that may be an entry's id: anything but the verbs that stand in its place."""

    regex = r"(?!(?:move|remove)$)[^/]+"

    def convert(self, value: str) -> str:
        """Leave it as it is; its form is checked where it can be said what is wrong with it."""
        return value

    def to_string(self, value: str) -> str:
        """Leave it as it is."""
        return value


register_url_convertor("entry", _EntryConvertor())

CollectionRef = Annotated[
    str,
    Path(
        pattern=r"^(?:[A-Za-z0-9_-]*-)?[0-9a-fA-F]{24}$",
        max_length=400,
        description="The collection's id (24 hex digits), or its slug without the owner: `words-ID`.",
        examples=["64f9a55bb3115b4f513ec026", "iccv-2023-64f9a55bb3115b4f513ec026"],
    ),
]
IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        pattern=r'^(?:\*|(?:W/)?"?[0-9]{1,10}"?)$',
        description="The ETag that you know the collection by; when it has another by now, nothing is done (412).",
    ),
]
ReasonHeader = Annotated[
    str | None,
    Header(
        alias=REASON,
        max_length=1000,
        description="Why, in your words (UTF-8), where the body has no `reason`; kept in the history.",
    ),
]


@dataclass(frozen=True, slots=True)
class Change:
    """One request that changes something: by whom, why, and with which key."""

    actor: Actor
    why: str | None
    once: OnceOnly

    async def write(self, work: Callable[[Tx], Awaitable[Response]]) -> Response:
        """Run `work` in a transaction, once for one idempotency key, and return its answer."""
        return await self.once.write(self.actor, work)

    def reason(self, given: str | None = None) -> str | None:
        """Return the reason: the body's, or the header's."""
        return given or self.why


@dataclass(frozen=True, slots=True)
class Matched(Change):
    """One request that makes the next revision of a collection, perhaps only if it is still what the caller knows."""

    expected: int | None


async def _change(request: Request, actor: By, key: Key = None, reason: ReasonHeader = None) -> Change:
    return Change(actor, _utf8(reason), OnceOnly(request, key))


async def _matched(
    request: Request, actor: By, key: Key = None, if_match: IfMatch = None, reason: ReasonHeader = None
) -> Matched:
    return Matched(actor, _utf8(reason), OnceOnly(request, key), _revision(if_match))


# What a handler declares that changes something; and one that hands `expected`, the If-Match, on to its verb.
Changing = Annotated[Change, Depends(_change)]
Matching = Annotated[Matched, Depends(_matched)]


def _revision(etag: str | None) -> int | None:
    """Read an ETag of ours; `*` stands for whatever is there."""
    if etag is None or etag == "*":
        return None
    match = _ETAG.fullmatch(etag)
    if match is None:
        message = 'If-Match takes the ETag of a collection, such as "12".'
        raise Invalid(message, field="If-Match")
    # No collection has a revision beyond that: it fails the comparison as any other wrong number does.
    return min(int(match[1]), MAX_INT4)


def _utf8(text: str | None) -> str | None:
    """Read a header's text as UTF-8 where it is; HTTP itself knows only Latin-1."""
    if text is None or text.isascii():
        return text
    try:
        return text.encode("latin-1").decode()
    except UnicodeDecodeError:
        return text
