"""An address to send something to is as good as who asked for it: what he may do no more, it does no more."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import orjson
import pytest
import pytest_asyncio

from factories.people import Person, again, make_user, unique
from factories.releases import Lab, make_lab
from pinakes.server.actor import Actor, Role, Scope, system
from pinakes.server.artifacts import runs, transfers
from pinakes.server.artifacts.run_types import Run, RunForm
from pinakes.server.db import Database, Query
from pinakes.server.people import service as people
from pinakes.server.people.types import NewToken
from pinakes.server.signing import Ticket, _written
from support.store import Store

CONTENT = b"some content"
MD5 = hashlib.md5(CONTENT).digest()


@dataclass
class Desk:
    """Somebody who may write into a team, and the addresses that he asked for."""

    store: Store
    lab: Lab
    run: Run
    addresses: dict[str, str]

    async def statuses(self) -> dict[str, int]:
        """What sending to each address is answered with."""
        return {
            name: (await self.store.client.put(address, content=CONTENT)).status_code
            for name, address in self.addresses.items()
        }


def addresses(store: Store, actor: Actor, team_id: int, run: Run) -> dict[str, str]:
    """An address of each sort."""
    signer, upload_id = store.state.signer, transfers.new_upload_id()
    return {
        "blob": transfers.blob_upload(signer, actor, account_id=team_id, md5=MD5, version_id=None, name="a"),
        "part": transfers.part_upload(signer, actor, account_id=team_id, upload_id=upload_id, number=1, name="a"),
        "run": transfers.run_file_upload(signer, actor, run=run, name="a.txt"),
    }


@pytest_asyncio.fixture
async def desk(store: Store, db: Database) -> Desk:
    """The desk of a member of a team."""
    lab = await make_lab(db)
    async with db.transaction() as tx:
        form = RunForm(owner=lab.team.name, project="work", name=unique("run"))
        run, _ = await runs.upsert(tx, lab.member.actor, form)
    return Desk(store, lab, run, addresses(store, lab.member.actor, lab.team.id, run))


async def leave(desk: Desk) -> None:
    async with desk.store.db.transaction() as tx:
        await people.remove_member(tx, system(), desk.lab.team, desk.lab.member.name)


async def become_viewer(desk: Desk) -> None:
    async with desk.store.db.transaction() as tx:
        await people.put_member(tx, system(), desk.lab.team, desk.lab.member.name, Role.VIEWER)


async def delete_token(desk: Desk) -> None:
    member = desk.lab.member
    assert member.actor.token_id is not None
    async with desk.store.db.transaction() as tx:
        await people.delete_token(tx, system(), member.name, member.actor.token_id)


async def let_token_expire(desk: Desk) -> None:
    expire = Query("test", "expire", "update tokens set expires_at = now() where user_id = %(id)s", "", None)
    async with desk.store.db.transaction() as tx:
        await tx.run(expire, id=desk.lab.member.id)


async def be_disabled(desk: Desk) -> None:
    disable = Query("test", "disable", "update accounts set disabled_at = now() where id = %(id)s", "", None)
    async with desk.store.db.transaction() as tx:
        await tx.run(disable, id=desk.lab.member.id)


async def be_deleted(desk: Desk) -> None:
    async with desk.store.db.transaction() as tx:
        await people.delete_user(tx, system(), desk.lab.member.name)


async def test_while_he_may_write_all_is_taken(desk: Desk):
    assert await desk.statuses() == {"blob": 200, "part": 200, "run": 200}


@pytest.mark.parametrize("lose", [leave, become_viewer, delete_token, let_token_expire, be_disabled, be_deleted])
async def test_what_he_lost_his_addresses_lose(desk: Desk, lose: Callable[[Desk], Awaitable[None]]):
    await lose(desk)
    assert await desk.statuses() == {"blob": 403, "part": 403, "run": 403}
    assert desk.store.objects() == set()


async def test_who_gets_it_back_can_go_on(desk: Desk):
    await leave(desk)
    assert (await desk.statuses())["part"] == 403
    async with desk.store.db.transaction() as tx:
        await people.put_member(tx, system(), desk.lab.team, desk.lab.member.name, Role.MEMBER)
    assert await desk.statuses() == {"blob": 200, "part": 200, "run": 200}


async def test_the_answer_says_what_is_the_matter(desk: Desk):
    await leave(desk)
    answer = await desk.store.client.put(desk.addresses["blob"], content=CONTENT)
    assert answer.json()["error"] == "Whoever asked for this address may not write there any more."
    await delete_token(desk)
    answer = await desk.store.client.put(desk.addresses["blob"], content=CONTENT)
    assert "with a token, or by a user, that is gone" in answer.json()["error"]


async def test_addresses_of_a_session_ask_for_the_person_alone(desk: Desk):
    """A session of the web app has no token; it ends and begins anew while a long upload goes on."""
    member = desk.lab.member
    session = Actor(user_id=member.id, name=member.name, scope=Scope.ADMIN)
    desk.addresses = addresses(desk.store, session, desk.lab.team.id, desk.run)
    assert await desk.statuses() == {"blob": 200, "part": 200, "run": 200}
    await delete_token(desk)
    assert await desk.statuses() == {"blob": 200, "part": 200, "run": 200}
    await leave(desk)
    assert await desk.statuses() == {"blob": 403, "part": 403, "run": 403}


async def test_a_token_that_is_bound_elsewhere_opens_nothing(desk: Desk):
    """Bound to the person's own account, as a token might be that somebody forged an address for."""
    member = desk.lab.member
    async with desk.store.db.transaction() as tx:
        wanted = NewToken(name="bound", scope=Scope.WRITE, namespace=member.name)
        issued = await people.create_token(tx, system(), member.name, wanted)
    bound = Actor(user_id=member.id, token_id=issued.token.id)
    desk.addresses = addresses(desk.store, bound, desk.lab.team.id, desk.run)
    assert await desk.statuses() == {"blob": 403, "part": 403, "run": 403}


async def test_another_ones_token_does_not_speak_for_him(desk: Desk, db: Database):
    other = await make_user(db, "other")
    mixed = Actor(user_id=desk.lab.member.id, token_id=other.actor.token_id)
    desk.addresses = addresses(desk.store, mixed, desk.lab.team.id, desk.run)
    assert await desk.statuses() == {"blob": 403, "part": 403, "run": 403}


@pytest.mark.parametrize("ticket", ["nobody's", "of an older server"])
async def test_an_address_without_a_signer_is_for_nothing(desk: Desk, ticket: str):
    signer = desk.store.state.signer
    bare = Ticket(operation="put-blob", key=transfers.blob_key(desk.lab.team.id, MD5), account_id=desk.lab.team.id)
    address = signer.address(bare, "a")
    if ticket == "of an older server":
        payload = orjson.dumps([int(time.time() + 60), "put-blob", bare.key, None, None, None, 1, None, None, None])
        token = f"{_written(payload)}.{_written(signer._signature(payload))}"
        address = address.replace(address.split("/")[3], token)
    answer = await desk.store.client.put(address, content=CONTENT)
    assert answer.status_code == 403
    assert "ask for a new one" in answer.json()["error"]


async def test_a_run_that_was_moved_is_asked_for_where_it_is_now(desk: Desk, alice: Person):
    """Its project belongs to somebody else since: the file that has come goes again."""
    move = Query("test", "move", "update items set owner_id = %(to)s where id = %(id)s", "", None)
    async with desk.store.db.transaction() as tx:
        await tx.run(move, id=desk.run.project_id, to=alice.id)
    assert (await desk.statuses())["run"] == 403
    assert {key for key in desk.store.objects() if key.startswith("runs/")} == set()
    async with desk.store.db.transaction() as tx:
        await people.put_member(tx, system(), alice.account, desk.lab.member.name, Role.MEMBER)
    assert (await again(desk.store.db, desk.lab.member)).actor.roles[alice.id] is Role.MEMBER
    assert (await desk.statuses())["run"] == 200
