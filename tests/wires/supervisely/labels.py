"""Places to label in, for the tests of this wire: a project of somebody's with items, classes and tags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from factories.media import Shelf, make_shelf, put_rows
from factories.people import again, join, make_organization
from factories.state import store_for
from pinakes.server.actor import Role
from pinakes.server.db import Database
from pinakes.server.labeling import meta
from pinakes.server.labeling.label_types import Meta, NewClass, NewTag
from pinakes.server.people.types import Account
from pinakes.server.settings import Settings
from wires.supervisely.conftest import TIME, Caller, World

CLASSES = (
    NewClass("car", "rectangle"),
    NewClass("road", "polygon"),
    NewClass("soft", "alpha_mask"),
    NewClass("box", "cuboid_3d"),
    NewClass("any", "any"),
)
TAGS = (
    NewTag("seen"),
    NewTag("count", "any_number"),
    NewTag("weather", "oneof_string", ["rain", "sun"]),
)

BOX = {"points": {"exterior": [[5, 4], [21, 17]], "interior": []}}


def faceless(answer: Any, key: str = "") -> Any:  # noqa: ANN401 - JSON
    """Put `{id}`, `{login}` and `{time}` for what differs from run to run: by the field, as numbers may meet."""
    if isinstance(answer, dict):
        return {name: faceless(value, name) for name, value in answer.items()}
    if isinstance(answer, list):
        return [faceless(value, key) for value in answer]
    if isinstance(answer, int) and (key in {"id", "createdBy"} or key.endswith("Id")):
        return "{id}"
    if isinstance(answer, str) and key.endswith("Login"):
        return "{login}"
    return TIME.sub("{time}", answer) if isinstance(answer, str) else answer


@dataclass(frozen=True)
class Desk:
    """Somebody's project with items, and who has it."""

    world: World
    caller: Caller
    shelf: Shelf
    items: list[int]
    meta: Meta
    owner: Account

    @property
    def dataset(self) -> int:
        return self.shelf.dataset.id

    @property
    def project(self) -> int:
        return self.shelf.project.id

    @property
    def team(self) -> int:
        return self.shelf.project.owner_id

    def class_id(self, name: str = "car") -> int:
        """The number of a class."""
        return next(each.id for each in self.meta.classes if each.name == name)

    def tag_id(self, name: str = "count") -> int:
        """The number of a tag."""
        return next(each.id for each in self.meta.tags if each.name == name)

    async def ask(self, method: str, body: object = None, /, **fields: object) -> Any:  # noqa: ANN401 - JSON
        """Call a method that must succeed."""
        return await self.caller.ask(method, body, **fields)

    async def refused(self, method: str, body: object = None, /, **fields: object) -> tuple[int, Any]:
        """Call a method that must fail."""
        return await self.caller.refused(method, body, **fields)

    async def draw(self, *items: int, **label: object) -> list[int]:
        """Draw one rectangle on each item, in pixels; the numbers of the figures."""
        figure = {"classTitle": "car", "geometryType": "rectangle", "geometry": PIXELS, **label}
        made = await self.ask(
            "figures.bulk.add", datasetId=self.dataset, figures=[{**figure, "entityId": i} for i in items]
        )
        return [each["id"] for each in made]

    async def member(self, word: str, role: Role) -> Caller:
        """Somebody with a role in the team that has the project."""
        person = await self.world.person(word)
        assert person.person is not None
        await join(self.world.db, self.owner, person.person, role)
        return Caller(self.world.client, await again(self.world.db, person.person))


PIXELS = {"points": {"exterior": [[5, 4], [20, 16]], "interior": []}}


async def desk_of(world: World, db: Database, *, data_type: str = "images", items: int = 3) -> Desk:
    """A team's project with a dataset of items, and its administrator."""
    caller = await world.person("chief")
    assert caller.person is not None
    team = await make_organization(db, caller.person, "team")
    caller = Caller(world.client, await again(db, caller.person))
    assert caller.person is not None
    blobs = store_for(Settings(external_url="http://pinakes.test", access_log=False))
    shelf = await make_shelf(db, blobs, caller.person.actor, data_type=data_type, account_id=team.id)
    ids = await put_rows(db, shelf, items)
    async with db.transaction() as tx:
        made = await meta.replace(tx, caller.person.actor, shelf.project.id, CLASSES, TAGS)
    return Desk(world, caller, shelf, ids, made, team)
