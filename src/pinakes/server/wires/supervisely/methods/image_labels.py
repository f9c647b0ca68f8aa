"""Annotations of images: put whole, read, copied. Their coordinates are subpixels unless the client wants pixels."""

from __future__ import annotations

from typing import Any

from pinakes.server.errors import Invalid
from pinakes.server.labeling import annotations as labels
from pinakes.server.labeling.label_types import Annotation, NewAnnotation
from pinakes.server.search import media as listings
from pinakes.server.search.filters import Expression
from pinakes.server.wires.supervisely.calls import Context, Form, Methods
from pinakes.server.wires.supervisely.label_answers import of_image
from pinakes.server.wires.supervisely.label_forms import LabelForm, Tag
from pinakes.server.wires.supervisely.lists import Condition, Listing
from pinakes.server.wires.supervisely.values import OK, Id, envelope, token_page

METHODS = Methods()

PER_PAGE = 500
MOST_PER_PAGE = 1000

# What annotations are found by, as the client and as the search call it.
FIELDS = {
    "id": "id",
    "imageId": "id",
    "entityId": "id",
    "name": "name",
    "imageName": "name",
    "createdAt": "created_at",
    "updatedAt": "updated_at",
    "labelsCount": "labels",
}


class AnnotationForm(Form):
    """The annotation of an image."""

    description: str | None = None
    tags: list[Tag] | None = None
    objects: list[LabelForm] | None = None
    custom_big_data: dict[str, Any] | None = None


class Annotated(Form):
    """An image, and the annotation that it gets."""

    image_id: Id
    annotation: AnnotationForm

    def new(self) -> NewAnnotation:
        """What room `labeling` takes."""
        return NewAnnotation(
            item_id=self.image_id,
            labels=[label.new() for label in self.annotation.objects or ()],
            tags=[tag.of_label() for tag in self.annotation.tags or ()],
            description=self.annotation.description,
            custom_data=self.annotation.custom_big_data,
        )


class Putting(Form):
    """Annotations of several images, of whatever datasets: `datasetId` is that of the first."""

    annotations: list[Annotated]


class Reading(Form):
    """How an annotation is wanted."""

    integer_coords: bool | None = None
    with_custom_big_data: bool | None = None

    def written(self, annotation: Annotation) -> dict[str, Any]:
        """An annotation in the form that is wanted; whole pixels unless the client says that it takes others."""
        return of_image(
            annotation, pixels=self.integer_coords is not False, custom_data=bool(self.with_custom_big_data)
        )


class OfImage(Reading):
    """One image's."""

    image_id: Id


class OfImages(Reading):
    """Several images'."""

    image_ids: list[Id]


class OfDataset(Listing, Reading):
    """A dataset's, page by page."""

    dataset_id: Id


class Copying(Form):
    """Pairs of images: from the first to the second."""

    src_image_ids: list[Id]
    dest_image_ids: list[Id]
    preserve_source_date: bool | None = None


@METHODS.change("annotations.bulk.add", Putting)
async def put(ctx: Context, asked: Putting) -> object:
    """Give images other annotations than they had."""
    await labels.put(ctx.tx, ctx.actor, [each.new() for each in asked.annotations])
    return OK


@METHODS.snapshot("annotations.info", OfImage)
async def info(ctx: Context, asked: OfImage) -> object:
    """The annotation of one image."""
    return asked.written(await labels.get(ctx.tx, ctx.actor, asked.image_id))


@METHODS.snapshot("annotations.bulk.info", OfImages)
async def infos(ctx: Context, asked: OfImages) -> object:
    """The annotations of several images, in the order asked."""
    return [asked.written(found) for found in await labels.get_many(ctx.tx, ctx.actor, asked.image_ids)]


@METHODS.snapshot("annotations.list", OfDataset)
async def listed(ctx: Context, asked: OfDataset) -> object:
    """The annotations of a dataset's images."""
    size = asked.size(PER_PAGE, MOST_PER_PAGE)
    after = None if asked.after is None else str(asked.after)
    page = await listings.page(
        ctx.tx,
        ctx.actor,
        listings.Scope(dataset_id=asked.dataset_id),
        listings.both(*(_expression(condition) for condition in asked.filter or ())),
        kinds=["image"],
        sort="id",
        descending=asked.descending,
        limit=size,
        offset=0 if asked.by_token else asked.start(size),
        cursor=after if asked.by_token else None,
    )
    found = await labels.get_many(ctx.tx, ctx.actor, [item.id for item in page.items], missing_ok=True)
    entities = [asked.written(annotation) for annotation in found]
    total = page.total or 0
    return token_page(entities, total, page.next) if asked.by_token else envelope(entities, total, size)


@METHODS.change("annotations.bulk.copy", Copying)
async def copy(ctx: Context, asked: Copying) -> object:
    """Give images the annotations of others, of any project that has the same classes."""
    if len(asked.src_image_ids) != len(asked.dest_image_ids):
        message = "destImageIds: there have to be as many as srcImageIds."
        raise Invalid(message, field="destImageIds")
    pairs = list(zip(asked.src_image_ids, asked.dest_image_ids, strict=True))
    await labels.copy(ctx.tx, ctx.actor, pairs, keep_dates=bool(asked.preserve_source_date))
    return OK


def _expression(condition: Condition) -> Expression:
    field = FIELDS.get(condition.field)
    if field is None:
        message = f"filter: annotations are found by {', '.join(FIELDS)}, not by {condition.field[:50]!r}."
        raise Invalid(message, field="filter")
    return listings.compare(field, condition.op, condition.value, said=condition.field)
