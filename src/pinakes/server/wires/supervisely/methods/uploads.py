"""Files that come, before they are items: which are here already, the bytes of the others, what was read from them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from starlette.responses import Response

from pinakes.server.actor import Actor
from pinakes.server.catalog import media_anywhere, media_files
from pinakes.server.errors import Invalid
from pinakes.server.state import State, state_of
from pinakes.server.wires.supervisely.calls import Call, Context, Form, Methods, respond
from pinakes.server.wires.supervisely.encode import file_meta
from pinakes.server.wires.supervisely.parts import Part, parts
from pinakes.server.wires.supervisely.values import need_hash, read_hash, written_hash

METHODS = Methods()


class Hashes(Form):
    """Several files."""

    hashes: list[str]


class FileMeta(Form):
    """What a client says that a file has in it."""

    hash: str
    meta: dict[str, Any]


@METHODS.change("images.internal.hashes.list", list[str])
async def known(ctx: Context, asked: list[str]) -> object:
    """Say which of some files are here: those of all kinds of items are asked for by this method."""
    hashes = [found for text in asked if (found := read_hash(text)) is not None]
    here = set(await media_files.known_anywhere(ctx.tx, ctx.actor, hashes))
    return [written_hash(one) for one in dict.fromkeys(hashes) if one in here]


@METHODS.raw("point-clouds.bulk.upload")
@METHODS.raw("videos.bulk.upload")
@METHODS.raw("images.bulk.upload")
async def upload(call: Call) -> Response:
    """Take files; volumes and their slices come as images do, so nothing is said yet about what they have to be."""
    actor, state = await call.actor(), state_of(call)
    answers: list[dict[str, Any]] = []
    small: dict[int, bytes] = {}

    async def take_small() -> None:
        found = await media_files.receive_many_anywhere(state.db, state.blobs, actor, [*small.values()])
        for place, file in zip(small, found, strict=True):
            answers[place] = {"hash": written_hash(file.sha256)}
        small.clear()

    async for part in parts(call):
        begun, whole = await _begin(part)
        answers.append({})
        if whole:
            small[len(answers) - 1] = begun
            if sum(map(len, small.values())) >= media_files.SMALL_TOGETHER:
                await take_small()
        else:
            answers[-1] = await _take_large(state, actor, _all_of(begun, part))
    await take_small()
    return respond(answers)


async def _begin(part: Part) -> tuple[bytes, bool]:
    """Read a file as far as it may be a small one, which is taken together with others; say whether that was all."""
    begun = bytearray()
    async with aclosing(part.chunks()) as pieces:
        async for piece in pieces:
            begun += piece
            if len(begun) > media_files.SMALL:
                return bytes(begun), False
    return bytes(begun), True


async def _all_of(begun: bytes, part: Part) -> AsyncGenerator[bytes]:
    yield begun
    async for piece in part.chunks():
        yield piece


async def _take_large(state: State, actor: Actor, pieces: AsyncGenerator[bytes]) -> dict[str, Any]:
    found = await media_files.receive_anywhere(state.db, state.blobs, actor, pieces)
    return {"hash": written_hash(found.sha256)}


@METHODS.read("import-storage.internal.meta.list", Hashes)
async def meta(ctx: Context, asked: Hashes) -> object:
    """Tell what was read from files, in the order asked: the client makes an item of each stream of a video."""
    hashes = [need_hash(text, f"hashes.{index}") for index, text in enumerate(asked.hashes)]
    facts = await _facts(ctx, hashes, "hashes.{}")
    return [{"hash": written_hash(one), "meta": file_meta(facts[one])} for one in hashes]


@METHODS.read("videos.bulk.upsert_file_meta", list[FileMeta])
async def believe(ctx: Context, given: list[FileMeta]) -> object:
    """Hear what a client knows of videos that it has sent (`upload_paths(infos=...)`), to spare the server the reading.

    What a video has was read from its file when that came, and holds: frames that are not in it could not be labeled.
    """
    await _facts(ctx, [need_hash(one.hash, f"{index}.hash") for index, one in enumerate(given)], "{}.hash")
    return {"success": True}


async def _facts(ctx: Context, hashes: list[bytes], field: str) -> dict[bytes, dict[str, object]]:
    """Return what was read from files, all of which must be here."""
    found = {one.sha256: one.facts for one in await media_anywhere.facts(ctx.tx, ctx.actor, hashes)}
    for index, one in enumerate(hashes):
        if one not in found:
            message = f"{field.format(index)}: no such file has been uploaded."
            raise Invalid(message, field=field.format(index))
    return found
