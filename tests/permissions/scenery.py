"""What the matrix's people try to read and to change over the wire `wandb`: made once for each owner and visibility."""

from __future__ import annotations

import hashlib
import uuid
from base64 import b64encode
from dataclasses import dataclass, field

from factories.people import Person, make_team, make_user, unique
from factories.releases import Made, make_version
from permissions.matrix import Row, World
from pinakes.server.artifacts import lineage, runs
from pinakes.server.artifacts.run_types import RunForm
from pinakes.server.catalog import projects
from pinakes.server.catalog.types import ProjectChanges
from pinakes.server.db import Tx
from pinakes.server.people.types import Account
from pinakes.server.registries import links
from pinakes.server.registries.types import Existing, InProject, InRegistry

# A registry's number as a project begins here.
REGISTRIES = 2**32


def id_of(kind: str, number: int) -> str:
    """An id as this wire writes it."""
    return b64encode(f"{kind}:{number}".encode()).decode()


@dataclass(frozen=True)
class Work:
    """A project with a run, and a version of an artifact in it that has a file."""

    owner: str
    project_id: int
    project: str
    version: Made
    run_id: int
    run: str
    md5: bytes

    @property
    def artifact(self) -> str:
        """The artifact's name."""
        return self.version.name.partition("/")[2].partition(":")[0]


@dataclass(frozen=True)
class Release:
    """A release with a version in it: where it is, as this wire says it."""

    entity: str
    place: str
    place_id: str
    id: int
    name: str
    work: Work


@dataclass
class Stage:
    """What is there before anybody tries anything, and what is made for one attempt.

    Attributes:
        vault: A team that has no members: only the organization's admins are something to it.
        open: A public project of that team: what everybody may read and load; the releases hold its version.
        free: Another, whose version people link.
        somebody: A user whom nothing else is about.
        group: A team of the organization that nothing else is about.
    """

    world: World
    vault: Account
    open: Work
    free: Work
    somebody: Person
    group: Account
    releases: dict[tuple[int, str], Release] = field(default_factory=dict[tuple[int, str], Release])

    async def release(self, row: Row) -> Release:
        """The release of a row; it holds what everybody may load, too, and runs here and there use what is in it."""
        key = (self.world.owner_id(row), row.visibility)
        if key not in self.releases:
            made = self.releases[key] = await self.new_release(row)
            root = self.world.root.actor
            async with self.world.db.transaction() as tx:
                await links.link(tx, root, self.open.version.id, Existing(made.id), [unique("alias")])
                await lineage.use(tx, root, made.work.run_id, self.open.version.id)
                await lineage.use(tx, root, self.open.run_id, made.work.version.id)
        return self.releases[key]

    async def new_release(self, row: Row) -> Release:
        """A new one in a new project; in a registry, with a version from a project that is not to be seen."""
        world = self.world
        if row.in_registry:
            registry, work = world.registries[row.owner], await make_work(world, self.vault, "private")
            place, place_id = f"wandb-registry-{registry.name}", id_of("Project", REGISTRIES + registry.id)
            entity, target = registry.organization, InRegistry(registry.name, unique("Release"), registry.organization)
        else:
            work = await make_work(world, world.account(row), row.visibility)
            place, place_id, entity = work.project, id_of("Project", work.project_id), work.owner
            target = InProject(work.project, unique("Release"), work.owner)
        async with world.db.transaction() as tx:
            made = await links.link(tx, world.root.actor, work.version.id, target)
        return Release(entity, place, place_id, made.card.id, made.card.title, work)


async def make_stage(world: World) -> Stage:
    """Make what all rows share."""
    vault = await make_team(world.db, world.organization, "vault")
    return Stage(
        world,
        vault,
        open=await make_work(world, vault, "public"),
        free=await make_work(world, vault, "public"),
        somebody=await make_user(world.db, "somebody"),
        group=await make_team(world.db, world.organization),
    )


async def make_work(world: World, owner: Account, visibility: str) -> Work:
    """Make a new project of an owner with a run, and a version with a file."""
    name, root = unique("project"), world.root.actor
    version = await make_version(world.db, owner, unique("artifact"), project=name)
    md5 = hashlib.md5(uuid.uuid4().bytes, usedforsecurity=False).digest()
    async with world.db.transaction() as tx:
        run, _ = await runs.upsert(tx, root, RunForm(owner=owner.name, project=name, name=unique("run")))
        await _with_file(tx, version.id, md5)
        await projects.update_project(tx, root, run.project_id, ProjectChanges(visibility=visibility))
    return Work(owner.name, run.project_id, name, version, run.id, run.name, md5)


async def _with_file(tx: Tx, version_id: int, md5: bytes) -> None:
    """Give a version a manifest and a file, as rows."""
    execute = tx.connection.execute
    await execute("insert into manifests (version_id, md5) values (%s, %s)", (version_id, md5))
    await execute(
        "insert into version_files (version_id, number, path, digest, md5, size)"
        " values (%s, 1, 'weights.bin', %s, %s, 7)",
        (version_id, b64encode(md5).decode(), md5),
    )
    await execute("update versions set file_count = 1 where id = %s", (version_id,))
