"""The meta of a project: its classes and its tags."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from pinakes.server.labeling import classes, meta, tags
from pinakes.server.labeling.label_types import ClassChanges, LabelClass, LabelTag, Meta, NewClass, NewTag
from pinakes.server.wires.supervisely.calls import ById, Context, Form, Methods
from pinakes.server.wires.supervisely.lists import Listing, page_of
from pinakes.server.wires.supervisely.values import OK, Id, moment

METHODS = Methods()


class ClassForm(Form):
    """A class, as a project's meta has it."""

    title: str
    shape: str = "any"
    color: str | None = None
    id: Id | None = None
    description: str | None = None
    hotkey: str | None = None
    geometry_config: dict[str, Any] | None = Field(None, alias="geometry_config")
    settings: dict[str, Any] | None = None


class TagForm(Form):
    """A tag, as a project's meta has it."""

    name: str
    value_type: str = Field("none", alias="value_type")
    values: list[str] | None = None
    color: str | None = None
    id: Id | None = None
    hotkey: str | None = None
    applicable_type: str | None = Field("all", alias="applicable_type")
    target_type: str | None = Field("all", alias="target_type")
    classes: list[str] | None = None


class MetaForm(Form):
    """The meta of a project."""

    classes: list[ClassForm] = Field(default_factory=list)
    tags: list[TagForm] = Field(default_factory=list)


class NewMeta(Form):
    """A new meta for a project."""

    id: Id
    meta: MetaForm


class OfProject(Listing):
    """A list of what belongs to a project."""

    project_id: Id


class TagSettings(Form):
    """What a tag is for."""

    type: str = "none"
    applicable_type: str | None = "all"
    target_type: str | None = "all"
    values: list[str] | None = None
    classes: list[Id] | None = None


class NewTagForm(Form):
    """A new tag."""

    title: str | None = None
    name: str | None = None
    color: str | None = None
    hotkey: str | None = None
    settings: TagSettings | None = None


class NewTags(Form):
    """New tags of a project."""

    project_id: Id
    tags: list[NewTagForm]


class OtherClass(Form):
    """Changes of a class."""

    id: Id
    title: str | None = None
    name: str | None = None
    color: str | None = None
    description: str | None = None
    hotkey: str | None = None
    settings: dict[str, Any] | None = None


class OneOfProject(Form):
    """A class or a tag of a project."""

    id: Id
    project_id: Id | None = None


def meta_of(found: Meta) -> dict[str, Any]:
    """Write the meta of a project."""
    return {
        "classes": [_class_of(one) for one in found.classes],
        "tags": [_tag_of(one) for one in found.tags],
        "projectType": found.data_type,
    }


def _class_of(found: LabelClass) -> dict[str, Any]:
    return {
        "id": found.id,
        "title": found.name,
        "description": found.description,
        "shape": found.shape,
        "color": found.color,
        "geometry_config": found.geometry_config,
        "hotkey": found.hotkey,
    }


def _tag_of(found: LabelTag) -> dict[str, Any]:
    sent: dict[str, Any] = {
        "id": found.id,
        "name": found.name,
        "value_type": found.value_type,
        "color": found.color,
        "hotkey": found.hotkey,
        "applicable_type": found.applies_to,
        "target_type": found.targets,
        "classes": found.classes,
    }
    return sent if found.choices is None else {**sent, "values": found.choices}


@METHODS.read("projects.meta", ById)
async def get(ctx: Context, asked: ById) -> object:
    """Show the classes and tags of a project."""
    return meta_of(await meta.get(ctx.tx, ctx.actor, asked.id))


@METHODS.change("projects.meta.update", NewMeta)
async def replace(ctx: Context, asked: NewMeta) -> object:
    """Give a project other classes and tags: what stays is known by its id, else by its name; what is left out goes."""
    new_classes = [
        NewClass(
            name=one.title,
            shape=one.shape,
            color=one.color,
            description=one.description or "",
            hotkey=one.hotkey or "",
            geometry_config=one.geometry_config or {},
            settings=one.settings or {},
            id=one.id,
        )
        for one in asked.meta.classes
    ]
    new_tags = [
        NewTag(
            name=one.name,
            value_type=one.value_type,
            choices=one.values,
            color=one.color,
            hotkey=one.hotkey or "",
            applies_to=one.applicable_type or "all",
            targets=one.target_type or "all",
            classes=one.classes or (),
            id=one.id,
        )
        for one in asked.meta.tags
    ]
    return meta_of(await meta.replace(ctx.tx, ctx.actor, asked.id, new_classes, new_tags))


@METHODS.read("advanced.object_classes.list", OfProject)
async def object_classes(ctx: Context, asked: OfProject) -> object:
    """List the classes of a project; the client needs each of these keys."""
    return page_of(
        asked, [_object_class_of(one) for one in await classes.list_classes(ctx.tx, ctx.actor, asked.project_id)]
    )


@METHODS.read("advanced.object_classes.info", ById)
async def object_class(ctx: Context, asked: ById) -> object:
    """Show a class."""
    return _object_class_of(await classes.get(ctx.tx, ctx.actor, asked.id))


@METHODS.change("advanced.object_classes.editInfo", OtherClass)
async def edit_class(ctx: Context, asked: OtherClass) -> object:
    """Change a class."""
    changes = ClassChanges(
        name=asked.name if asked.name is not None else asked.title,
        color=asked.color,
        description=asked.description,
        hotkey=asked.hotkey,
        settings=asked.settings,
    )
    return _object_class_of(await classes.edit(ctx.tx, ctx.actor, asked.id, changes))


def _object_class_of(found: LabelClass) -> dict[str, Any]:
    return {
        "id": found.id,
        "projectId": found.project_id,
        "name": found.name,
        "description": found.description,
        "shape": found.shape,
        "color": found.color,
        "hotkey": found.hotkey,
        "settings": found.settings,
        "createdAt": moment(found.created_at),
        "updatedAt": moment(found.updated_at),
    }


@METHODS.read("tags.list", OfProject)
async def project_tags(ctx: Context, asked: OfProject) -> object:
    """List the tags of a project; the client needs each of these keys."""
    known = {one.name: one.id for one in await classes.list_classes(ctx.tx, ctx.actor, asked.project_id)}
    found = await tags.list_tags(ctx.tx, ctx.actor, asked.project_id)
    return page_of(asked, [_project_tag_of(one, known) for one in found])


def _project_tag_of(found: LabelTag, known: dict[str, int]) -> dict[str, Any]:
    return {
        "id": found.id,
        "projectId": found.project_id,
        "name": found.name,
        "color": found.color,
        "hotkey": found.hotkey,
        "settings": {
            "type": found.value_type,
            "values": found.choices,
            "applicableType": found.applies_to,
            "targetType": found.targets,
            "classes": [known[name] for name in found.classes if name in known],
        },
        "createdAt": moment(found.created_at),
        "updatedAt": moment(found.updated_at),
    }


@METHODS.change("tags.bulk.add", NewTags)
async def add_tags(ctx: Context, asked: NewTags) -> object:
    """Give a project more tags."""
    known = {one.id: one.name for one in await classes.list_classes(ctx.tx, ctx.actor, asked.project_id)}
    new: list[NewTag] = []
    for one in asked.tags:
        settings = one.settings or TagSettings()
        new.append(
            NewTag(
                name=(one.title if one.title is not None else one.name) or "",
                value_type=settings.type,
                choices=settings.values,
                color=one.color,
                hotkey=one.hotkey or "",
                applies_to=settings.applicable_type or "all",
                targets=settings.target_type or "all",
                classes=[known[number] for number in settings.classes or () if number in known],
            )
        )
    made = await tags.add(ctx.tx, ctx.actor, asked.project_id, new)
    return [{"id": one.id, "name": one.name} for one in made]


@METHODS.change("projects.classes.remove", OneOfProject)
async def remove_class(ctx: Context, asked: OneOfProject) -> object:
    """Take a class away, with its labels."""
    project_id = asked.project_id or (await classes.get(ctx.tx, ctx.actor, asked.id)).project_id
    await classes.remove(ctx.tx, ctx.actor, project_id, [asked.id])
    return OK


@METHODS.change("projects.tags.remove", OneOfProject)
async def remove_tag(ctx: Context, asked: OneOfProject) -> object:
    """Take a tag away, from all that it is on."""
    project_id = asked.project_id or (await tags.get(ctx.tx, ctx.actor, asked.id)).project_id
    await tags.remove(ctx.tx, ctx.actor, project_id, [asked.id])
    return OK
