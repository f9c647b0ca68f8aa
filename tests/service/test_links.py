"""Linking versions into releases, in registries and in projects, and releases made by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest

from factories.people import Person, again, join, make_organization, make_team, make_user, unique
from factories.releases import Lab, Made, card_of, delete_version, make_lab, make_version
from pinakes.server import errors
from pinakes.server.actor import Actor, Role, Scope, anonymous, system
from pinakes.server.artifacts import versions
from pinakes.server.catalog.projects import ensure_project, get_project, update_project
from pinakes.server.catalog.types import ProjectChanges
from pinakes.server.collections import numbered, service as collections
from pinakes.server.collections.types import FieldChanges
from pinakes.server.db import Database
from pinakes.server.people import service as people
from pinakes.server.registries import aliases, links, memory, releases, service
from pinakes.server.registries.types import Created, Existing, FirstLink, InProject, InRegistry, Link, Registry, Target


@pytest.fixture(scope="module")
async def lab(db: Database) -> Lab:
    return await make_lab(db)


async def link(db: Database, person: Person | Actor, version: Made, target: Target, *names: str) -> Link:
    """Link in a transaction of its own."""
    actor = person.actor if isinstance(person, Person) else person
    async with db.transaction() as tx:
        return await links.link(tx, actor, version.id, target, names)


async def unlink(db: Database, person: Person, version: Made, ref: int | str) -> int:
    async with db.transaction() as tx:
        return await links.unlink(tx, person.actor, version.id, ref)


async def create(
    db: Database, person: Person, target: InRegistry | InProject, *types: str, **values: object
) -> Created:
    async with db.transaction() as tx:
        return await releases.create(tx, person.actor, target, types, **values)  # pyright: ignore[reportArgumentType]


async def releases_of(db: Database, owner_id: int) -> list[str]:
    """The names of all releases of an owner, whoever sees them."""
    async with db.reading() as tx:
        cursor = await tx.connection.execute(
            "select i.title from items as i inner join collections as c on i.id = c.id"
            " where i.owner_id = %s and c.kind = 'release' and i.deleted_at is null order by i.title",
            (owner_id,),
        )
        return [row[0] for row in await cursor.fetchall()]


async def test_linking_makes_the_release(db: Database, lab: Lab) -> None:
    """W-15, W-21: the release gets its name from the target and takes the version's type. W-13: a link is a pointer."""
    registry = await lab.registry()
    version = await make_version(db, lab.team, of="dataset")
    made = await link(db, lab.member, version, InRegistry(registry.name, "MNIST", lab.org.name), "production", "latest")
    assert (made.card.title, made.card.types, made.card.kind) == ("MNIST", ["dataset"], "release")
    assert (made.card.owner_id, made.card.owner_title, made.card.organization) == (
        registry.id, registry.name, lab.org.name,
    )  # fmt: skip
    assert (made.number, made.aliases, made.new, made.created) == (0, ["latest", "production"], True, True)
    assert (made.version_id, made.item_id, made.card.entry_count) == (version.id, version.item_id, 1)
    async with db.reading() as tx:
        assert await numbered.number_of(tx, version.artifact_id, version.item_id) == version.number
        assert (await numbered.aliases(tx, version.artifact_id))[version.item_id] == ["latest"]


async def test_the_organization_may_be_left_out(db: Database, lab: Lab) -> None:
    """Decision 11: it is the source's, whoever links; or it is given by its name in any case, or its display name."""
    registry = await lab.registry()
    version = await make_version(db, lab.team)
    for organization in (None, lab.org.name, lab.org.name.upper()):
        made = await link(db, lab.admin, version, InRegistry(registry.name.upper(), "MNIST", organization))
        assert (made.number, made.card.owner_id) == (0, registry.id)
    with pytest.raises(errors.AccountNotFound, match="'nobody'"):
        await link(db, lab.member, version, InRegistry(registry.name, "MNIST", "nobody"))
    with pytest.raises(errors.RegistryNotFound, match="'Nothing' in the organization"):
        await link(db, lab.member, version, InRegistry("Nothing", "MNIST"))


async def test_versions_are_numbered_in_the_release(db: Database, lab: Lab) -> None:
    """From 0, in the order of linking; the same again keeps its number, and gets the aliases."""
    registry = await lab.registry()
    target = InRegistry(registry.name, "MNIST")
    old, new = await make_version(db, lab.team, "numbers"), await make_version(db, lab.team, "numbers")
    assert (await link(db, lab.member, new, target)).number == 0
    second = await link(db, lab.member, old, target)
    assert (second.number, second.aliases, second.created) == (1, ["latest"], False)
    repeated = await link(db, lab.member, new, target, "staging", "staging")
    assert (repeated.number, repeated.aliases, repeated.new, repeated.card.entry_count) == (0, ["staging"], False, 2)
    assert repeated.revision == second.revision + 1
    assert (await link(db, lab.member, new, target, "staging")).revision == repeated.revision
    moved = await link(db, lab.member, old, Existing(repeated.card.public_id), "staging")
    assert moved.aliases == ["latest", "staging"]


async def test_sixteen_link_at_once(db: Database, lab: Lab) -> None:
    """One release is made, every number is given once, and `latest` is on the last."""
    registry = await lab.registry()
    crowd = [await make_version(db, lab.team, "crowd") for _ in range(16)]
    made = await asyncio.gather(
        *(link(db, lab.member, version, InRegistry(registry.name, "Crowd"), "best") for version in crowd)
    )
    assert {one.card.id for one in made} == {made[0].card.id}
    assert sorted(one.number for one in made) == list(range(16))
    assert sum(one.created for one in made) == 1
    last = max(made, key=lambda one: one.number)
    async with db.reading() as tx:
        assert await numbered.aliases(tx, last.card.id) == {last.item_id: ["best", "latest"]}


async def test_a_wrong_type_is_refused(db: Database, lab: Lab) -> None:
    """W-08..W-10: the message names both types; nothing is linked, and no collection is made."""
    registry = await lab.registry(types=["model"])
    model, dataset = await make_version(db, lab.team, "m"), await make_version(db, lab.team, "d", of="dataset")
    with pytest.raises(errors.TypeNotAccepted, match=r"accepts 'model', not 'dataset'") as caught:
        await link(db, lab.member, dataset, InRegistry(registry.name, "New"))
    assert caught.value.details == {"types": ["dataset"], "accepted": ["model"]}
    assert await releases_of(db, registry.id) == []
    open_ = await lab.registry()
    made = await link(db, lab.member, model, InRegistry(open_.name, "Models"))
    for target in (InRegistry(open_.name, "Models"), Existing(made.card.id)):
        with pytest.raises(errors.TypeNotAccepted, match=r"'Models' accepts 'model', not 'dataset'"):
            await link(db, lab.member, dataset, target, "production")
    async with db.reading() as tx:
        assert await numbered.aliases(tx, made.card.id) == {model.item_id: ["latest"]}
    empty = await lab.registry(types=[])
    with pytest.raises(errors.TypeNotAccepted, match=r"accepts nothing yet, not 'model'"):
        await link(db, lab.member, model, InRegistry(empty.name, "New"))


async def test_whose_versions_a_registry_takes(db: Database, lab: Lab) -> None:
    """Decision 12: its organization's and its teams'; nobody's own, and no other organization's."""
    registry = await lab.registry()
    own = await make_version(db, lab.member.account, "mine")
    for organization in (lab.org.name, None):
        with pytest.raises(errors.Invalid, match=f"belongs to {lab.member.name} personally"):
            await link(db, lab.member, own, InRegistry(registry.name, "New", organization))
    other = await make_organization(db, lab.member)
    await lab.look_again()
    theirs = await make_version(db, await make_team(db, other))
    member = await again(db, lab.member)
    with pytest.raises(errors.Invalid, match=f"of the organization {other.name}") as caught:
        await link(db, member, theirs, InRegistry(registry.name, "New", lab.org.name))
    assert caught.value.field == "version"
    assert await releases_of(db, registry.id) == []
    whole = await make_version(db, lab.org, "shared")
    assert (await link(db, lab.member, whole, InRegistry(registry.name, "New"))).created


async def test_versions_that_cannot_be_linked(db: Database, lab: Lab) -> None:
    registry = await lab.registry()
    target = InRegistry(registry.name, "New", lab.org.name)
    pending = await make_version(db, lab.team, pending=True)
    with pytest.raises(errors.Invalid, match="not committed"):
        await link(db, lab.member, pending, target)
    gone = await make_version(db, lab.team)
    await delete_version(db, gone, lab.member)
    hidden = await make_version(db, await make_team(db, lab.org))
    async with db.transaction() as tx:
        for number in (gone.id, hidden.id, 0, -1, 2**31 - 1, 2**60):
            with pytest.raises(errors.VersionNotFound):
                await links.link(tx, lab.member.actor, number, target)


@pytest.mark.parametrize("name", ["", " ", "a/b", "x" * 129, "nul\0", "half \ud800", "line\nbreak"])
async def test_names_that_a_release_cannot_have(db: Database, lab: Lab, name: str) -> None:
    registry = await lab.registry()
    version = await make_version(db, lab.team)
    for target in (InRegistry(registry.name, name), InProject("digits", name)):
        with pytest.raises(errors.Invalid) as caught:
            await link(db, lab.member, version, target)
        assert caught.value.field == "name"
    assert await releases_of(db, registry.id) == []


async def test_aliases_that_cannot_be(db: Database, lab: Lab) -> None:
    """No slash, no colon, at most 128 characters and 100 in a call: nothing is linked then."""
    registry = await lab.registry()
    version = await make_version(db, lab.team)
    for names in (["a/b"], ["fine", "a:b"], ["v3"], [""], ["x" * 129], [f"a{i}" for i in range(101)]):
        with pytest.raises(errors.Invalid) as caught:
            await link(db, lab.member, version, InRegistry(registry.name, "New"), *names)
        assert caught.value.field in {"alias", "aliases"}
    assert await releases_of(db, registry.id) == []


async def test_who_may_link(db: Database, lab: Lab) -> None:
    """Members of the registry and its organization's members; no viewers; for others there is no registry."""
    registry = await lab.registry()
    version = await make_version(db, lab.org, "everybodys")
    target = InRegistry(registry.name, "New", lab.org.name)
    with pytest.raises(errors.Forbidden):
        await link(db, lab.viewer, version, target)
    with pytest.raises(errors.VersionNotFound):
        await link(db, lab.outsider, version, target)
    with pytest.raises(errors.VersionNotFound):
        await link(db, anonymous("test"), version, target)
    reading = Actor(lab.member.id, lab.member.name, scope=Scope.READ, roles=lab.member.actor.roles)
    with pytest.raises(errors.ScopeTooNarrow):
        await link(db, reading, version, target)
    hidden = await lab.registry(visibility="restricted")
    person = await make_user(db)
    await join(db, lab.org, person, Role.MEMBER)
    with pytest.raises(errors.RegistryNotFound):
        await link(db, await again(db, person), version, InRegistry(hidden.name, "New"))
    assert (await link(db, await again(db, person), version, target)).new


async def test_a_member_links_what_he_sees_in_another_release(db: Database, lab: Lab) -> None:
    """Linking a link links its source, also for who can't see the project that it comes from."""
    registry = await lab.registry()
    version = await make_version(db, lab.team, "hidden")
    await lab.link(registry, "First", version)
    person = await lab.person(registry, "member")
    second = await link(db, person, version, InRegistry(registry.name, "Second"))
    assert (second.item_id, second.number) == (version.item_id, 0)


async def test_who_may_not_download_may_not_link(db: Database, lab: Lab) -> None:
    """A restricted viewer can't take a version where he could load it: not into a project of his own either."""
    registry = await lab.registry()
    version = await make_version(db, lab.team, "hidden")
    await lab.link(registry, "First", version)
    person = await lab.person(registry, "restricted_viewer")
    with pytest.raises(errors.Forbidden, match="not download"):
        await link(db, person, version, InProject("mine", "copy", person.name))
    viewer = await lab.person(registry, "viewer")
    assert (await link(db, viewer, version, InProject("mine", "copy", viewer.name))).created


async def test_unlinking(db: Database, lab: Lab) -> None:
    """Its aliases end, `latest` goes on, the release stays even when empty; linked again it has its number again."""
    registry = await lab.registry()
    target = InRegistry(registry.name, "MNIST")
    old, new = await make_version(db, lab.team, "leaving"), await make_version(db, lab.team, "leaving")
    await link(db, lab.member, old, target)
    made = await link(db, lab.member, new, target, "production")
    with pytest.raises(errors.Forbidden):
        await unlink(db, lab.viewer, new, made.card.id)
    assert await unlink(db, lab.member, new, made.card.public_id) == made.revision + 1
    async with db.reading() as tx:
        assert await numbered.aliases(tx, made.card.id) == {old.item_id: ["latest"]}
    for version in (new, Made(2**40, 0, 0, 0, "", "", "")):
        with pytest.raises(errors.EntryNotFound):
            await unlink(db, lab.member, version, made.card.id)
    await unlink(db, lab.member, old, made.card.id)
    assert (await card_of(db, made.card.id)).entry_count == 0
    assert (await link(db, lab.member, new, target)).number == 1
    with pytest.raises(errors.Invalid, match="delete the version"):
        await unlink(db, lab.member, new, new.artifact_id)


async def test_a_release_outside_a_registry(db: Database, lab: Lab) -> None:
    """The project is made when it is not there; who sees the release is decided by its project."""
    version = await make_version(db, lab.team, "plain", of="job")
    name = unique("model-registry")
    made = await link(db, lab.member, version, InProject(name, "Jobs"), "best")
    assert (made.card.owner, made.card.container, made.aliases) == (lab.team.name, name, ["best", "latest"])
    async with db.reading() as tx:
        project = await get_project(tx, lab.member.actor, lab.team.name, name)
        cursor = await tx.connection.execute("select name from artifact_types where project_id = %s", (project.id,))
        assert await cursor.fetchall() == [("job",)]
    async with db.transaction() as tx:
        await update_project(tx, lab.member.actor, project.id, ProjectChanges(visibility="public"))
    public = await link(db, lab.member, version, InProject(name, "More"))
    assert public.card.visibility == (await card_of(db, made.card.id)).visibility == "public"
    own = await make_version(db, lab.member.account, "own")
    assert (await link(db, lab.member, own, InProject("digits", "shelf"))).card.owner == lab.member.name
    with pytest.raises(errors.Forbidden):
        await link(db, lab.viewer, await make_version(db, lab.org), InProject("digits", "shelf"))
    for target in (InProject("a/b", "shelf"), InProject("x" * 129, "shelf")):
        with pytest.raises(errors.Invalid):
            await link(db, lab.member, own, target)


async def test_an_artifacts_name_is_no_release(db: Database, lab: Lab) -> None:
    version = await make_version(db, lab.team, "occupied")
    for target in (InProject("digits", "occupied"), Existing(version.artifact_id)):
        with pytest.raises(errors.Invalid, match="is an artifact"):
            await link(db, lab.member, version, target)
    with pytest.raises(errors.NameTaken):
        await create(db, lab.member, InProject("digits", "occupied", lab.team.name), "model")
    async with db.transaction() as tx:
        showcase = await collections.create(tx, lab.member.actor, owner=None, title=unique("Show"))
    with pytest.raises(errors.CollectionNotFound, match="showcase"):
        await link(db, lab.member, version, Existing(showcase.public_id))


async def test_a_release_and_its_first_link_in_one_call(db: Database, lab: Lab) -> None:
    """W-24..W-34: name, one or more types, description, tags, and the version that it begins with."""
    registry = await lab.registry()
    version = await make_version(db, lab.team, "first")
    made = await create(
        db,
        lab.member,
        InRegistry(registry.name, "MNIST", lab.org.name),
        "model",
        "dataset",
        description="Digits by hand",
        tags=["vision", "digits"],
        link=FirstLink(version.id, ("production",)),
    )
    assert (made.card.types, made.card.description, made.card.tags) == (
        ["model", "dataset"], "Digits by hand", ["vision", "digits"],
    )  # fmt: skip
    assert made.link is not None
    assert (made.link.number, made.link.aliases, made.card.entry_count) == (0, ["latest", "production"], 1)
    with pytest.raises(errors.NameTaken):
        await create(db, lab.member, InRegistry(registry.name, "MNIST"), "model")


async def test_a_release_that_cannot_be_made(db: Database, lab: Lab) -> None:
    """Nothing is left of one whose first link is refused."""
    registry = await lab.registry(types=["model"])
    dataset = await make_version(db, lab.team, "data", of="dataset")
    target = InRegistry(registry.name, "New", lab.org.name)
    for types, first, error in (
        ((), None, errors.Invalid),
        (("",), None, errors.Invalid),
        (("model", "dataset"), None, errors.TypeNotAccepted),
        (("model",), FirstLink(dataset.id), errors.TypeNotAccepted),
        (("model",), FirstLink(2**31 - 1), errors.VersionNotFound),
    ):
        with pytest.raises(error):
            await create(db, lab.member, target, *types, link=first)
    for person, error in ((lab.viewer, errors.Forbidden), (lab.outsider, errors.RegistryNotFound)):
        with pytest.raises(error):
            await create(db, person, target, "model")
    assert await releases_of(db, registry.id) == []
    with pytest.raises(errors.Invalid, match="whose project"):
        await create(db, lab.member, InProject("digits", "New"), "model")
    assert (await create(db, lab.member, InProject("digits", unique("New"), lab.team.name), "model")).link is None


async def test_a_registry_is_found_without_organization_when_only_one_has_it(db: Database, lab: Lab) -> None:
    registry = await lab.registry()
    assert (await create(db, lab.member, InRegistry(registry.name, "One"), "model")).card.owner_id == registry.id
    other = await make_organization(db, lab.member)
    await lab.look_again()
    async with db.transaction() as tx:
        await service.create(tx, lab.member.actor, other.name, registry.name)
    await lab.look_again()
    with pytest.raises(errors.Invalid, match="Several organizations"):
        await create(db, lab.member, InRegistry(registry.name, "Two"), "model")
    with pytest.raises(errors.RegistryNotFound):
        await create(db, lab.member, InRegistry("nul\0", "Two"), "model")


async def test_a_release_accepts_more_types(db: Database, lab: Lab) -> None:
    """Decision 1: a list is stored. Types are added only, and its registry has to accept them."""
    registry = await lab.registry(types=["model", "dataset"])
    made = await create(db, lab.member, InRegistry(registry.name, "Mixed"), "model")
    async with db.transaction() as tx:
        card = await releases.add_types(tx, lab.member.actor, made.card.id, ["dataset", "model"])
        assert (card.types, card.revision) == (["model", "dataset"], made.card.revision + 1)
        assert (
            await releases.add_types(tx, lab.member.actor, made.card.public_id, ["model"])
        ).revision == card.revision
        with pytest.raises(errors.TypeNotAccepted):
            await releases.add_types(tx, lab.member.actor, made.card.id, ["code"])
        with pytest.raises(errors.Forbidden):
            await releases.add_types(tx, lab.viewer.actor, made.card.id, ["model"])
        version = await make_version(db, lab.team)
        with pytest.raises(errors.Invalid, match="one type"):
            await releases.add_types(tx, lab.member.actor, version.artifact_id, ["dataset"])
    dataset = await make_version(db, lab.team, "data", of="dataset")
    assert (await link(db, lab.member, dataset, Existing(made.card.id))).new


async def test_generic_verbs_work_on_releases(db: Database, lab: Lab) -> None:
    """Renamed, described, tagged, deleted and brought back like every collection; links and numbers come along."""
    registry = await lab.registry()
    version = await make_version(db, lab.team)
    made = await link(db, lab.member, version, InRegistry(registry.name, "MNIST"), "production")
    async with db.transaction() as tx:
        changes = FieldChanges(title="Digits", description="By hand", tags=["vision"])
        found = await collections.update(tx, lab.member.actor, made.card.public_id, changes)
        assert (found.title, found.description, found.tags) == ("Digits", "By hand", ["vision"])
    assert (await link(db, lab.member, version, InRegistry(registry.name, "Digits"))).card.id == made.card.id
    async with db.transaction() as tx:
        await releases.delete(tx, lab.member.actor, made.card.id)
    assert await releases_of(db, registry.id) == []
    assert (await link(db, lab.member, version, InRegistry(registry.name, "Digits"))).card.id != made.card.id
    async with db.transaction() as tx:
        with pytest.raises(errors.TitleTaken):
            await collections.restore(tx, lab.member.actor, made.card.public_id)
    async with db.transaction() as tx:
        again_ = await collections.get(tx, lab.member.actor, f"{registry.handle}/digits")
        await releases.delete(tx, lab.member.actor, again_.id)
        await collections.restore(tx, lab.member.actor, made.card.public_id)
        assert await numbered.aliases(tx, made.card.id) == {version.item_id: ["latest", "production"]}


async def test_deleting_a_release_with_a_protected_alias_takes_an_admin(db: Database, lab: Lab) -> None:
    registry = await lab.registry()
    version = await make_version(db, lab.team)
    made = await lab.link(registry, "MNIST", version, "production")
    member = await lab.person(registry, "member")
    async with db.transaction() as tx:
        await aliases.protect(tx, lab.member.actor, registry.id, "production")
    async with db.transaction() as tx:
        with pytest.raises(errors.AliasProtected, match="'production'"):
            await releases.delete(tx, member.actor, made.card.id)
        with pytest.raises(errors.AliasProtected, match="'production'"):
            await links.unlink(tx, member.actor, version.id, made.card.id)
        with pytest.raises(errors.Invalid, match="with its versions"):
            await releases.delete(tx, lab.member.actor, version.artifact_id)
        await releases.delete(tx, lab.member.actor, made.card.id)


async def test_a_team_goes_as_the_registries_decide(db: Database, lab: Lab) -> None:
    """Guarded references: refused with the holders, or each entry stays as a tombstone."""
    team = await make_team(db, lab.org)
    refusing, leaving = await lab.registry(), await lab.registry(on_deletion="tombstone")
    version = await make_version(db, team)
    async with db.transaction() as tx:
        for registry in (refusing, leaving):
            await links.link(tx, system(), version.id, InRegistry(registry.name, "MNIST"))
    async with db.transaction() as tx:
        with pytest.raises(errors.RegistryHolds, match="MNIST") as caught:
            await people.delete_team(tx, system(), team.name)
        assert caught.value.details["count"] == 1
    async with db.transaction() as tx:
        card = await numbered.find(tx, owner_id=refusing.id, container_id=None, title="MNIST")
        assert card is not None
        await links.unlink(tx, system(), version.id, card)
        await people.delete_team(tx, system(), team.name)
        kept = await numbered.find(tx, owner_id=leaving.id, container_id=None, title="MNIST")
        assert kept is not None
        assert await numbered.number_of(tx, kept, version.item_id) == 0


async def test_a_project_is_made_for_who_may_write_there_only(db: Database, lab: Lab) -> None:
    version = await make_version(db, lab.member.account, "mine")
    for owner in (lab.org.name, unique("nobody"), (await make_user(db)).name):
        name = unique("project")
        if owner == lab.org.name:
            assert (await link(db, lab.member, version, InProject(name, "shelf", owner))).card.owner == owner
            continue
        with pytest.raises(errors.PinakesError):
            await link(db, lab.member, version, InProject(name, "shelf", owner))
        async with db.reading() as tx:
            with pytest.raises(errors.ProjectNotFound):
                await get_project(tx, system(), owner, name)
    async with db.transaction() as tx:
        assert (await ensure_project(tx, lab.member.actor, lab.team, "digits")).owner == lab.team.name


async def tried(work: Awaitable[object]) -> str:
    """What became of it: "done", or the error's name."""
    try:
        await work
    except errors.PinakesError as error:
        return type(error).__name__
    return "done"


async def test_linking_while_the_version_is_deleted(db: Database, lab: Lab) -> None:
    """One of the two comes first: a registry that lets nothing go never holds what is gone."""
    registry = await lab.registry()

    async def end(version: Made) -> None:
        async with db.transaction() as tx:
            await versions.delete(tx, lab.member.actor, version.id, delete_aliases=True)

    for _ in range(10):
        version = await make_version(db, lab.team, "fleeting")
        linked, ended = await asyncio.gather(
            tried(link(db, lab.member, version, InRegistry(registry.name, "Fleeting"))), tried(end(version))
        )
        assert (linked, ended) in {("done", "RegistryHolds"), ("VersionNotFound", "done")}
    async with db.reading() as tx:
        assert (await memory.broken(tx, lab.member.actor, registry.id)).rows == []


async def test_linking_while_the_registry_is_deleted(db: Database, lab: Lab) -> None:
    """No release is left that is in no registry."""

    async def end(registry: Registry) -> None:
        async with db.transaction() as tx:
            await service.delete(tx, lab.member.actor, registry.id)

    for _ in range(5):
        registry = await lab.registry()
        made = [await make_version(db, lab.team, "fleeting") for _ in range(2)]
        targets = [InRegistry(registry.name, name, lab.org.name) for name in ("One", "Two")]
        *linked, ended = await asyncio.gather(
            *(tried(link(db, lab.member, version, target)) for version, target in zip(made, targets, strict=True)),
            tried(end(registry)),
        )
        assert ended == "done"
        assert set(linked) <= {"done", "RegistryNotFound", "CollectionNotFound"}
        assert await releases_of(db, registry.id) == []
