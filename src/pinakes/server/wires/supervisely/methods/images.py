"""Images; and, for all kinds of items, renaming, removing, and the custom order."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from pinakes.server.catalog import media, media_anywhere
from pinakes.server.catalog.media_types import MediaBytes, MediaChanges
from pinakes.server.collections import media_removal
from pinakes.server.errors import Invalid
from pinakes.server.state import state_of
from pinakes.server.wires.supervisely import downloads
from pinakes.server.wires.supervisely.calls import ById, Call, Context, Form, Methods
from pinakes.server.wires.supervisely.encode import item_of
from pinakes.server.wires.supervisely.items import Entry, OfItems, added, content_of_link, found, listed, place
from pinakes.server.wires.supervisely.parts import Sent, multipart, named
from pinakes.server.wires.supervisely.values import OK, Id, need_hash, written_hash

METHODS = Methods()


class NewImages(Form):
    """New images of a dataset."""

    dataset_id: Id
    images: list[Entry]
    force_metadata_for_links: bool | None = None


class OtherFacts(Form):
    """Changes of an item of whatever kind."""

    id: Id
    name: str | None = None
    title: str | None = None
    description: str | None = None
    meta: dict[str, Any] | None = None
    custom_data: dict[str, Any] | None = None


class Several(Form):
    """Several items."""

    image_ids: list[Id]


class FromDataset(Several):
    """Several images of a dataset."""

    dataset_id: Id | None = None


class Hashes(Form):
    """Several files."""

    hashes: list[str]


class Place(Form):
    """The place of an item in the custom order."""

    id: Id
    custom_sort: Any = None


class Places(Form):
    """The places of several items."""

    images: list[Place]


@METHODS.raw("images.bulk.add")
async def add(call: Call) -> Response:
    """Add images to a dataset: all of them, or none."""
    asked = await call.asked(NewImages)
    return await added(call, asked.dataset_id, asked.images, "images", look=bool(asked.force_metadata_for_links))


@METHODS.read("images.list", OfItems)
async def images(ctx: Context, asked: OfItems) -> object:
    """List images."""
    return await listed(ctx, asked, "image")


@METHODS.read("images.info", ById)
async def info(ctx: Context, asked: ById) -> object:
    """Show an image, as the list does."""
    return await item_of(ctx, await found(ctx, asked.id, "image"))


@METHODS.change("images.editInfo", OtherFacts)
async def edit(ctx: Context, asked: OtherFacts) -> object:
    """Change an item of whatever kind: the client renames videos and volumes with this, too."""
    name = asked.name if asked.name is not None else asked.title
    changes = MediaChanges(asked.id, name, asked.description, asked.meta, asked.custom_data)
    return await item_of(ctx, (await media.update(ctx.tx, ctx.actor, [changes]))[0])


@METHODS.change("images.bulk.remove", Several)
async def remove(ctx: Context, asked: Several) -> object:
    """Remove items of whatever kind; those that are gone already are passed over."""
    await media_removal.remove_items(ctx.tx, ctx.actor, asked.image_ids)
    return OK


@METHODS.change("images.bulk.set-custom-sort", Places)
async def order(ctx: Context, asked: Places) -> object:
    """Give items their places in the custom order."""
    places = {one.id: place(one.custom_sort, f"images.{at}.customSort") for at, one in enumerate(asked.images)}
    await media.set_custom_order(ctx.tx, ctx.actor, places)
    return OK


def download_of(*kinds: str):  # noqa: ANN201 - a method
    """Make the method that downloads an item of some kinds."""

    async def download(call: Call) -> Response:
        """Answer with the file of an item."""
        actor, state = await call.actor(), state_of(call)
        asked = await call.asked(ById)
        async with state.db.reading() as tx:
            ctx = Context(tx, actor, call, state)
            item = await found(ctx, asked.id, *kinds)
            file = await media.file(tx, actor, item.id) if item.link is None else None
        if file is None:
            return downloads.send_bytes(await content_of_link(state, item), item.mime)
        return await downloads.send(call, state.blobs, file)

    return download


METHODS.raw("images.download", by_id=True)(download_of("image"))


@METHODS.raw("images.bulk.download")
async def download(call: Call) -> Response:
    """Answer with the files of several images, each called by its id."""
    actor, state = await call.actor(), state_of(call)
    asked = await call.asked(FromDataset)
    async with state.db.reading() as tx:
        files = dict(await media.files(tx, actor, asked.image_ids))
        rest = [item_id for item_id in dict.fromkeys(asked.image_ids) if item_id not in files]
        linked = [item for item in await media.get_many(tx, actor, rest) if item.link is not None] if rest else []
    if missing := set(rest) - {item.id for item in linked}:
        message = f"imageIds: there is no image {min(missing)}, or no file of it here."
        raise Invalid(message, field="imageIds")
    bodies: dict[int, MediaBytes | bytes] = {**files}
    for item in linked:
        bodies[item.id] = await content_of_link(state, item)
    return multipart(
        state.blobs, [Sent(f'{named(number)}; filename="{number}"', body) for number, body in bodies.items()]
    )


@METHODS.raw("images.bulk.download-by-hash")
async def download_by_hash(call: Call) -> Response:
    """Answer with several files that the caller's teams know, each called by its hash, and nothing behind that."""
    actor, state = await call.actor(), state_of(call)
    asked = await call.asked(Hashes)
    hashes = [need_hash(text, f"hashes.{index}") for index, text in enumerate(asked.hashes)]
    async with state.db.reading() as tx:
        files = {one.sha256: one for one in await media_anywhere.files(tx, actor, hashes)}
    for index, one in enumerate(hashes):
        if one not in files:
            message = f"hashes.{index}: there is no such file."
            raise Invalid(message, field=f"hashes.{index}")
    return multipart(state.blobs, [Sent(named(written_hash(one) or ""), files[one]) for one in dict.fromkeys(hashes)])
