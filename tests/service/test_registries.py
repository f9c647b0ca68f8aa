"""Registries: opened, read, changed, deleted; and who was given a role in one."""

from __future__ import annotations

import asyncio

import pytest

from factories.people import Person, again, join, make_organization, make_team, make_user, unique
from factories.releases import Lab, make_lab, make_version
from pinakes.server import errors
from pinakes.server.actor import Role, Scope, anonymous, system
from pinakes.server.collections import numbered, service as collections
from pinakes.server.db import Database
from pinakes.server.people import service as people
from pinakes.server.people.types import Account, NewToken
from pinakes.server.permissions import service as permissions
from pinakes.server.permissions.table import Permission
from pinakes.server.registries import links, members, releases, service
from pinakes.server.registries.types import InRegistry, Registry, RegistryChanges


@pytest.fixture(scope="module")
async def lab(db: Database) -> Lab:
    return await make_lab(db)


async def seen_by(db: Database, person: Person, registry: Registry) -> bool:
    """Tell whether somebody sees a registry: alone, by name, by its handle and in the list alike."""
    actor = (await again(db, person)).actor
    async with db.reading() as tx:
        listed = [found.id for found in (await service.page(tx, actor, organization=registry.organization)).rows]
        found = registry.id in await service.views(tx, actor, [registry.id])
        assert found == (registry.id in listed)
        for ask in (
            service.by_id(tx, actor, registry.id),
            service.by_handle(tx, actor, registry.handle),
            service.get(tx, actor, registry.organization, registry.name),
        ):
            try:
                assert (await ask).id == registry.id
                assert found
            except errors.RegistryNotFound:
                assert not found
        return found


async def test_a_registry_is_opened(db: Database, lab: Lab) -> None:
    """W-35: names hold spaces and capitals. Every member of the organization may; who opens it is its first admin."""
    registry = await lab.registry("Fine-tuned models", description="What we ship", visibility="restricted")
    assert registry.handle == f"{lab.org.name}.fine-tuned-models"
    assert (registry.organization, registry.name, registry.description) == (
        lab.org.name, "Fine-tuned models", "What we ship",
    )  # fmt: skip
    assert (registry.visibility, registry.on_deletion, registry.all_types) == ("restricted", "refuse", True)
    assert (registry.types, registry.collection_count, registry.created_by) == ([], 0, lab.member.name)
    async with db.reading() as tx:
        assert await service.get(tx, lab.member.actor, lab.org.name.upper(), " fine-TUNED models ") == registry
        assert [(one.name, one.role) for one in await members.members(tx, lab.member.actor, registry.id)] == [
            (lab.member.name, "admin")
        ]
        assert await members.teams(tx, lab.member.actor, registry.id) == []


async def test_it_is_seen_by_whom_it_is_for(db: Database, lab: Lab) -> None:
    opened = await lab.registry()
    restricted = await lab.registry(visibility="restricted")
    for person, sees in ((lab.admin, True), (lab.member, True), (lab.viewer, False), (lab.outsider, False)):
        assert await seen_by(db, person, restricted) is sees
        assert await seen_by(db, person, opened) is (person is not lab.outsider)
    async with db.reading() as tx:
        assert (await service.page(tx, anonymous("test"))).rows == []
        with pytest.raises(errors.RegistryNotFound):
            await service.by_id(tx, anonymous("test"), opened.id)


async def test_an_organization_is_found_by_its_display_name(db: Database) -> None:
    """By those who have to do with it; several of one display name have to be told apart."""
    boss, other = await make_user(db), await make_user(db)
    called = unique("Acme Labs")
    async with db.transaction() as tx:
        first = await people.create_organization(tx, boss.actor, unique("acme"), display_name=called)
    boss = await again(db, boss)
    async with db.transaction() as tx:
        made = await service.create(tx, boss.actor, first.name, "Models")
    boss = await again(db, boss)
    async with db.reading() as tx:
        assert (await service.get(tx, boss.actor, called.upper(), "models")).id == made.id
        with pytest.raises(errors.AccountNotFound, match=called):
            await service.get(tx, other.actor, called, "models")
        with pytest.raises(errors.RegistryNotFound, match="'models'"):
            await service.get(tx, other.actor, first.name, "models")
    async with db.transaction() as tx:
        await people.create_organization(tx, boss.actor, unique("acme"), display_name=called)
    boss = await again(db, boss)
    async with db.reading() as tx:
        with pytest.raises(errors.Invalid, match="Several"):
            await service.get(tx, boss.actor, called, "models")
        for nonsense in ("", "nul\0", "half \ud800", "x" * 5000):
            with pytest.raises(errors.AccountNotFound):
                await service.get(tx, boss.actor, nonsense, "models")
            with pytest.raises(errors.RegistryNotFound):
                await service.get(tx, boss.actor, first.name, nonsense)


async def test_who_may_open_one(db: Database, lab: Lab) -> None:
    reader = await people_with_scope(db, lab.member, Scope.READ)
    for actor, error in (
        (lab.viewer.actor, errors.Forbidden),
        (lab.outsider.actor, errors.Forbidden),
        (anonymous("test"), errors.Unauthenticated),
        (reader.actor, errors.ScopeTooNarrow),
    ):
        async with db.transaction() as tx:
            with pytest.raises(error):
                await service.create(tx, actor, lab.org.name, unique("No"))
    async with db.transaction() as tx:
        for owner in (lab.team.name, lab.member.name, unique("nobody")):
            with pytest.raises(errors.AccountNotFound):
                await service.create(tx, lab.member.actor, owner, unique("No"))


async def people_with_scope(db: Database, person: Person, scope: Scope) -> Person:
    """The same person with another token."""
    async with db.transaction() as tx:
        issued = await people.create_token(tx, system(), person.name, NewToken(scope=scope))
    return await again(db, Person(person.account, issued.value, person.actor))


@pytest.mark.parametrize(
    ("values", "field"),
    [
        *(
            ({"name": name}, "name")
            for name in ("", "  ", "x" * 114, "a/b", "a\\b", "a#b", "a?b", "a%b", "a:b", "a\nb")
        ),
        *(({"name": name}, "name") for name in ("nul\0", "half \ud800")),
        ({"visibility": "public"}, "visibility"),
        ({"on_deletion": "ignore"}, "on_deletion"),
        ({"description": "nul\0"}, "description"),
        ({"types": ["model", "a/b"]}, "types"),
        ({"types": ["x" * 129]}, "types"),
        ({"types": [f"t{i}" for i in range(101)]}, "types"),
    ],
)
async def test_what_a_registry_cannot_be(db: Database, lab: Lab, values: dict[str, object], field: str) -> None:
    wanted = {"name": unique("R"), **values}
    async with db.transaction() as tx:
        with pytest.raises(errors.Invalid) as caught:
            await service.create(tx, lab.member.actor, lab.org.name, **wanted)  # pyright: ignore[reportArgumentType]
    assert caught.value.field == field


async def test_names_are_taken_without_case_and_in_one_organization_only(db: Database, lab: Lab) -> None:
    name = "Ä" + unique("Taken")
    made = await lab.registry(name)
    async with db.transaction() as tx:
        with pytest.raises(errors.NameTaken, match="choose another name"):
            await service.create(tx, lab.member.actor, lab.org.name, name.swapcase())
    boss = await make_user(db)
    org = await make_organization(db, boss)
    boss = await again(db, boss)
    async with db.transaction() as tx:
        assert (await service.create(tx, boss.actor, org.name, name)).id != made.id


async def test_handles_are_legal_and_never_two_the_same(db: Database) -> None:
    boss = await make_user(db)
    async with db.transaction() as tx:
        long = await people.create_organization(tx, boss.actor, (unique("o") + "x" * 96)[:96])
        robots = await people.create_organization(tx, boss.actor, unique("robots"))
    boss = await again(db, boss)
    async with db.transaction() as tx:
        await people.create_organization(tx, boss.actor, f"{robots.name}.models")
        made = [
            await service.create(tx, boss.actor, robots.name, name) for name in ("Models", "Models!", "模型", "模 型")
        ]
        tall = await service.create(tx, boss.actor, long.name, "w" * 113)
    assert [one.handle.removeprefix(robots.name) for one in made] == [
        ".models-2", ".models-3", ".registry", ".registry-2",
    ]  # fmt: skip
    assert len(tall.handle) <= 96


async def test_many_open_the_same_at_once(db: Database, lab: Lab) -> None:
    name = unique("Race")

    async def attempt() -> bool:
        try:
            async with db.transaction() as tx:
                await service.create(tx, lab.member.actor, lab.org.name, name)
        except errors.NameTaken:
            return False
        return True

    assert sorted(await asyncio.gather(*(attempt() for _ in range(5)))) == [False, False, False, False, True]


async def test_a_page_goes_by_name(db: Database) -> None:
    boss = await make_user(db)
    org = await make_organization(db, boss)
    boss = await again(db, boss)
    async with db.transaction() as tx:
        for name in ("beta", "Alpha", "gamma", "Delta"):
            await service.create(tx, boss.actor, org.name, name)
    boss = await again(db, boss)
    async with db.reading() as tx:
        first = await service.page(tx, boss.actor, organization=org.name, limit=3)
        rest = await service.page(tx, boss.actor, organization=org.name, limit=3, cursor=first.next)
        assert [one.name for one in [*first.rows, *rest.rows]] == ["Alpha", "beta", "Delta", "gamma"]
        assert rest.next is None
        assert len((await service.page(tx, boss.actor)).rows) == 4
        for limit, cursor in ((0, None), (1001, None), (1, "nonsense")):
            with pytest.raises(errors.Invalid):
                await service.page(tx, boss.actor, limit=limit, cursor=cursor)


async def change(db: Database, person: Person, registry: Registry, **changes: object) -> Registry:
    async with db.transaction() as tx:
        return await service.update(tx, person.actor, registry.id, RegistryChanges(**changes))  # pyright: ignore[reportArgumentType]


async def test_a_registry_is_changed(db: Database, lab: Lab) -> None:
    """A new name leaves the handle, and so the addresses of its releases, as they are; "" clears the description."""
    registry = await lab.registry(description="old")
    name = unique("New")
    changed = await change(
        db, lab.member, registry, name=name, description="", visibility="restricted", on_deletion="tombstone"
    )
    assert (changed.name, changed.handle, changed.description) == (name, registry.handle, "")
    assert (changed.visibility, changed.on_deletion) == ("restricted", "tombstone")
    assert changed.updated_at > registry.updated_at
    assert await change(db, lab.member, registry, name=name) == changed
    assert (await change(db, lab.member, registry, name=name.upper())).name == name.upper()
    other = await lab.registry()
    with pytest.raises(errors.NameTaken):
        await change(db, lab.member, other, name=name)
    with pytest.raises(errors.Invalid):
        await change(db, lab.member, other, name="a/b", description="not this either")
    async with db.reading() as tx:
        assert (await service.by_id(tx, lab.admin.actor, other.id)).description == ""


async def test_only_its_admins_change_it(db: Database, lab: Lab) -> None:
    registry = await lab.registry()
    for person, error in (
        (lab.viewer, errors.Forbidden),
        (await lab.person(registry, "member"), errors.Forbidden),
        (lab.outsider, errors.RegistryNotFound),
    ):
        with pytest.raises(error):
            await change(db, person, registry, description="mine")
        async with db.transaction() as tx:
            with pytest.raises(error):
                await service.delete(tx, person.actor, registry.id)
            with pytest.raises(error):
                await members.add(tx, person.actor, registry.id, users=[person.id])
            with pytest.raises(error):
                await members.remove(tx, person.actor, registry.id, users=[person.id])
    assert (await change(db, lab.admin, registry, description="theirs")).description == "theirs"


async def test_a_saved_type_cannot_be_removed(db: Database, lab: Lab) -> None:
    """W-12. Types are only added."""
    registry = await lab.registry(types=["model", "dataset"])
    assert (registry.all_types, registry.types) == (False, ["dataset", "model"])
    with pytest.raises(errors.Invalid, match="'dataset'") as caught:
        await change(db, lab.member, registry, types=["model"])
    assert caught.value.field == "types"
    assert (await change(db, lab.member, registry, types=["model", "dataset", "code"])).types == [
        "code", "dataset", "model",
    ]  # fmt: skip
    assert (await change(db, lab.member, registry, add_types=["job"])).types == ["code", "dataset", "job", "model"]
    assert (await change(db, lab.member, registry, all_types=True)).saved_types == ["code", "dataset", "job", "model"]


async def test_types_in_use_stay_accepted(db: Database, lab: Lab) -> None:
    """Allowing all, it shows those in use; it is narrowed to a list that covers them, or to them by itself."""
    registry = await lab.registry()
    await lab.link(registry, "MNIST", await make_version(db, lab.team))
    async with db.reading() as tx:
        assert (await service.by_id(tx, lab.member.actor, registry.id)).types == ["model"]
    with pytest.raises(errors.Invalid, match="'model'"):
        await change(db, lab.member, registry, all_types=False, types=["dataset"])
    narrowed = await change(db, lab.member, registry, all_types=False, add_types=["dataset"])
    assert (narrowed.all_types, narrowed.types) == (False, ["dataset", "model"])


async def test_a_registry_is_deleted_with_its_releases(db: Database, lab: Lab) -> None:
    """They go to the trash; the versions stay where they are; the second time it is not found; its name is free."""
    registry = await lab.registry("Gone")
    version = await make_version(db, lab.team)
    link = await lab.link(registry, "MNIST", version)
    async with db.transaction() as tx:
        await service.delete(tx, lab.member.actor, registry.id)
    async with db.transaction() as tx:
        with pytest.raises(errors.RegistryNotFound):
            await service.delete(tx, lab.member.actor, registry.id)
        assert await numbered.cards(tx, system(), [link.card.id]) == {}
        assert (await collections.get(tx, system(), link.card.public_id, trashed=True)).deleted_at is not None
        assert await numbered.number_of(tx, version.artifact_id, version.item_id) == version.number
    again_ = await lab.registry("gone")
    assert (again_.handle, again_.collection_count) == (registry.handle, 0)


async def test_it_goes_with_its_organization(db: Database) -> None:
    boss = await make_user(db)
    org = await make_organization(db, boss)
    boss = await again(db, boss)
    async with db.transaction() as tx:
        registry = await service.create(tx, boss.actor, org.name, "Models")
        await people.delete_organization(tx, boss.actor, org.name)
    async with db.reading() as tx:
        with pytest.raises(errors.RegistryNotFound):
            await service.by_id(tx, system(), registry.id)


async def test_nobody_takes_it_for_a_person_or_team(db: Database, lab: Lab) -> None:
    """Its handle is nobody's name: it can't sign in, own things of the catalog, be joined, or be given anything."""
    registry = await lab.registry()
    handle = registry.handle
    async with db.transaction() as tx:
        for ask in (people.account, people.user, people.organization, people.team):
            with pytest.raises(errors.AccountNotFound):
                await ask(tx, handle)
        with pytest.raises(errors.AccountNotFound):
            await people.account(tx, handle, keep=True)
        with pytest.raises(errors.AccountNotFound):
            await collections.create(tx, lab.member.actor, owner=handle, title="Showcase")
        with pytest.raises(errors.AccountNotFound):
            await people.create_token(tx, system(), handle, NewToken())
        with pytest.raises(errors.AccountNotFound):
            await people.create_token(tx, lab.member.actor, lab.member.name, NewToken(namespace=handle))
    with pytest.raises(errors.InvalidCredentials):
        await people.sign_in(db, handle, "password")
    root = (await make_user(db, admin=True)).actor
    async with db.transaction() as tx:
        assert registry.id not in {one.id for one in await people.teams(tx, lab.admin.actor, lab.org)}
        assert registry.id not in {one.id for one in (await people.organizations(tx, root, limit=1000)).rows}
        for actor in (lab.member.actor, system()):
            assert registry.id not in {one.id for one in await people.organizations_of(tx, actor, lab.member.name)}
        assert registry.id not in {one.id for one in (await people.whoami(tx, lab.member.actor)).organizations}
        with pytest.raises(errors.NameTaken):
            await people.create_organization(tx, lab.member.actor, handle)


# ---------------------------------------------------------------------------------------------------------------------
# Members
# ---------------------------------------------------------------------------------------------------------------------


async def test_members_come_and_go(db: Database, lab: Lab) -> None:
    """By name or number; a role is `member` when none is said; explicit ones only; removing nobody is fine."""
    registry = await lab.registry(visibility="restricted")
    one, two = await make_user(db, "one"), await make_user(db, "two")
    async with db.transaction() as tx:
        await members.add(tx, lab.member.actor, registry.id, users=[one.name.upper(), two.id])
        await members.add(tx, lab.member.actor, registry.id, users=[one.id], role="viewer")
        changed = await members.set_user_role(tx, lab.member.actor, registry.id, two.name, "restricted_viewer")
        assert (changed.id, changed.role, changed.email) == (two.id, "restricted_viewer", None)
    async with db.reading() as tx:
        found = {person.name: person.role for person in await members.members(tx, lab.admin.actor, registry.id)}
    assert found == {lab.member.name: "admin", one.name: "member", two.name: "restricted_viewer"}
    assert await seen_by(db, two, registry)
    async with db.transaction() as tx:
        await members.remove(tx, lab.member.actor, registry.id, users=[two.id, lab.outsider.id])
    assert not await seen_by(db, two, registry)
    async with db.reading() as tx:
        cursor = await tx.connection.execute(
            "select verb, before, after from events where account_id = %s and verb like 'member.%%' order by id",
            (registry.id,),
        )
        told = await cursor.fetchall()
    assert told == [
        ("member.added", None, {"user": one.id, "role": "member"}),
        ("member.added", None, {"user": two.id, "role": "member"}),
        (
            "member.changed",
            {"user": two.id, "role": "member"},
            {"user": two.id, "role": "restricted_viewer"},
        ),
        ("member.removed", {"user": two.id, "role": "restricted_viewer"}, None),
    ]


async def test_a_team_gives_its_members_a_role(db: Database, lab: Lab) -> None:
    registry = await lab.registry(visibility="restricted")
    person = await make_user(db)
    team = await make_team(db, lab.org)
    await join(db, team, person, Role.VIEWER)
    assert not await seen_by(db, person, registry)
    async with db.transaction() as tx:
        await members.add(tx, lab.member.actor, registry.id, teams=[team.name], role="viewer")
        assert (await members.set_team_role(tx, lab.member.actor, registry.id, team.id, "member")).role == "member"
        assert [one.name for one in await members.teams(tx, lab.member.actor, registry.id)] == [team.name]
        assert person.name not in {one.name for one in await members.members(tx, lab.member.actor, registry.id)}
    actor = (await again(db, person)).actor
    assert actor.roles[registry.id] is Role.MEMBER
    async with db.transaction() as tx:
        await people.delete_team(tx, system(), team.name)
        assert await members.teams(tx, lab.member.actor, registry.id) == []
    assert not await seen_by(db, person, registry)


async def test_who_leaves_the_organization_leaves_its_registries(db: Database, lab: Lab) -> None:
    registry = await lab.registry(visibility="restricted")
    person = await make_user(db)
    await join(db, lab.org, person, Role.MEMBER)
    async with db.transaction() as tx:
        await members.add(tx, lab.member.actor, registry.id, users=[person.id])
    assert await seen_by(db, person, registry)
    async with db.transaction() as tx:
        await people.remove_member(tx, lab.admin.actor, lab.org, person.name)
    assert not await seen_by(db, person, registry)


async def test_an_explicit_role_counts_before_the_organizations(db: Database, lab: Lab) -> None:
    """Downwards too; an admin of the organization stays an admin."""
    registry = await lab.registry()
    person = await make_user(db)
    await join(db, lab.org, person, Role.MEMBER)
    for role in ("restricted_viewer", "admin"):
        async with db.transaction() as tx:
            await members.set_user_role(tx, lab.member.actor, registry.id, person.id, role)
            await members.set_user_role(tx, lab.member.actor, registry.id, lab.admin.id, role)
        assert (await again(db, person)).actor.roles[registry.id] == role
        assert (await again(db, lab.admin)).actor.roles[registry.id] is Role.ADMIN


async def test_members_that_cannot_be(db: Database, lab: Lab) -> None:
    """Only users who can be found, only teams of the same organization; nobody is added when one can't be."""
    registry = await lab.registry()
    boss = await make_user(db)
    elsewhere = await make_team(db, await make_organization(db, boss))
    fine = await make_user(db)
    manager = lab.member.actor
    async with db.transaction() as tx:
        for user in (unique("nobody"), 2**31 - 1, 2**40, -1, "nul\0", "", lab.team.name, lab.team.id, registry.handle):
            with pytest.raises(errors.AccountNotFound) as caught:
                await members.add(tx, manager, registry.id, users=[fine.id, user])
            assert caught.value.field == "user"
            with pytest.raises(errors.AccountNotFound):
                await members.set_user_role(tx, manager, registry.id, user, "viewer")
            with pytest.raises(errors.AccountNotFound):
                await members.remove(tx, manager, registry.id, users=[user])
        with pytest.raises(errors.Invalid, match="another organization"):
            await members.add(tx, manager, registry.id, teams=[elsewhere.id])
        with pytest.raises(errors.AccountNotFound):
            await members.add(tx, manager, registry.id, teams=[lab.org.name])
        for role in ("owner", "Admin", ""):
            with pytest.raises(errors.Invalid) as refused:
                await members.add(tx, manager, registry.id, users=[fine.id], role=role)
            assert refused.value.field == "role"
        with pytest.raises(errors.Invalid):
            await members.add(tx, manager, registry.id, users=[fine.id] * 1001)
        with pytest.raises(errors.RegistryNotFound):
            await members.add(tx, manager, 2**40, users=[fine.id])
        assert fine.id not in {one.id for one in await members.members(tx, manager, registry.id)}


async def test_explain_knows_registries(db: Database, lab: Lab) -> None:
    registry = await lab.registry()
    restricted = await lab.person(registry, "restricted_viewer")
    for person, permission, allowed, because in (
        (lab.viewer, Permission.VERSION_DOWNLOAD, True, "open to its organization"),
        (lab.viewer, Permission.COLLECTION_CURATE, False, "your role viewer"),
        (lab.admin, Permission.REGISTRY_MANAGE, True, "admin of the registry's organization"),
        (restricted, Permission.COLLECTION_READ, True, "membership"),
        (restricted, Permission.VERSION_DOWNLOAD, False, "restricted_viewer"),
    ):
        async with db.reading() as tx:
            found = await service.explain(tx, person.actor, registry.id, permission)
        assert found.allowed is allowed
        assert because in " | ".join(found.because)
    async with db.reading() as tx:
        with pytest.raises(errors.RegistryNotFound):
            await service.explain(tx, lab.outsider.actor, registry.id, Permission.COLLECTION_READ)
        grants = await permissions.grants(tx, restricted.id)
    assert (registry.id, registry.handle, "restricted_viewer", "membership") in {
        (grant.account_id, grant.account, grant.role, grant.because) for grant in grants
    }


async def test_a_new_organization_by_name_of_a_registry_of_another(db: Database, lab: Lab) -> None:
    """Names of people come before handles: whoever has the name first has it, and a registry takes another handle."""
    taken = f"{lab.org.name}.first"
    async with db.transaction() as tx:
        await people.create_organization(tx, lab.member.actor, taken)
    registry = await lab.registry("First")
    assert registry.handle == f"{taken}-2"
    account: Account
    async with db.reading() as tx:
        account = await people.account(tx, taken)
    assert account.kind == "organization"


async def test_releases_are_counted_and_addressed_by_the_handle(db: Database, lab: Lab) -> None:
    registry = await lab.registry()
    async with db.transaction() as tx:
        made = await releases.create(tx, lab.member.actor, InRegistry(registry.name, "MNIST", lab.org.name), ["model"])
        found = await collections.get(tx, lab.viewer.actor, f"{registry.handle}/mnist")
        assert found.id == made.card.id
        assert (found.owner, found.owner_kind) == (registry.handle, "registry")
        assert (await service.by_id(tx, lab.viewer.actor, registry.id)).collection_count == 1
        with pytest.raises(errors.CollectionNotFound):
            await collections.get(tx, lab.outsider.actor, made.card.public_id)
        assert await links.find(tx, links.Place(registry.id, None, None, "private", "MNIST")) == made.card.id
