"""The SDK's people, against a real server process."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

import pinakes

Connect = Callable[..., pinakes.Client]


def name(stem: str) -> str:
    return f"{stem}-{uuid4().hex[:12]}"


def test_a_user_from_his_making_to_his_end(admin: pinakes.Client):
    ada = name("ada")
    made = admin.users.create(ada, email=f"{ada}@example.org", password="long enough", display_name="Ada")
    assert (made.name, made.kind, made.admin) == (ada, "user", False)
    assert admin.users.get(ada.upper()).name == ada
    changed = admin.users.update(ada, display_name="Countess", admin=True)
    assert (changed.display_name, changed.admin) == ("Countess", True)
    assert ada in [user.name for user in admin.users.list(page_size=2)]
    with pytest.raises(pinakes.Conflict) as taken:
        admin.users.create(ada.upper())
    assert taken.value.code == "name_taken"
    admin.users.delete(ada)
    admin.users.delete(ada, missing_ok=True)
    with pytest.raises(pinakes.NotFound) as gone:
        admin.users.get(ada)
    assert gone.value.code == "account_not_found"


def test_tokens_and_who_they_act_for(admin: pinakes.Client, connect: Connect):
    client = connect("admin")
    me = client.users.me()
    assert me.token is not None
    assert me.token.scope == "admin"
    until = datetime.now(UTC) + timedelta(days=1)
    made = client.tokens.create(me.name, scope="read", name="notebook", expires_at=until)
    assert made.expires_at == until
    with pinakes.connect(client.url, made.token) as reading:
        assert reading.users.me().name == me.name
        with pytest.raises(pinakes.Forbidden) as narrow:
            reading.collections.create("No")
        assert narrow.value.code == "scope_too_narrow"
    assert client.tokens.list(me.name).first(1)[0].name == "notebook"
    client.tokens.delete(me.name, made.id)
    client.tokens.delete(me.name, made.id, missing_ok=True)
    with pinakes.connect(client.url, made.token) as ended, pytest.raises(pinakes.Unauthenticated) as caught:
        ended.users.me()
    assert caught.value.code == "invalid_credentials"
    brought = uuid4().hex + uuid4().hex
    assert admin.tokens.create(me.name, scope="write", value=brought).token == brought


def test_a_token_for_one_account_only(admin: pinakes.Client, connect: Connect):
    client = connect("admin")
    org = client.organizations.create(name("lab")).name
    bound = client.tokens.create(client.users.me().name, scope="write", namespace=org)
    with pinakes.connect(client.url, bound.token) as only:
        assert only.collections.create("Ours", owner=org).owner == org
        with pytest.raises(pinakes.Forbidden):
            only.collections.create("Mine")


def test_organizations_teams_and_members(admin: pinakes.Client, connect: Connect):
    owner, other = connect("admin"), connect()
    ada, ben = owner.users.me().name, other.users.me().name
    org, team = name("lab"), name("team")
    assert owner.organizations.create(org, display_name="The Lab").display_name == "The Lab"
    assert owner.organizations.put_member(org, ben, "viewer").role == "viewer"
    assert owner.organizations.put_member(org, ben, "member").role == "member"
    assert {(m.name, m.role) for m in owner.organizations.members(org)} == {(ada, "admin"), (ben, "member")}
    assert owner.organizations.create_team(org, team).kind == "team"
    assert owner.teams.put_member(team, ben, "member").role == "member"
    assert [m.name for m in owner.teams.members(team)] == [ben]
    assert [t.name for t in owner.organizations.teams(org)] == [team]
    found = owner.organizations.get(org)
    assert [m.name for m in found.members or []] == sorted([ada, ben])
    assert owner.teams.get(team).members is not None
    assert {(m.name, m.role) for m in other.users.organizations(ben)} == {(org, "member"), (team, "member")}
    assert org in [o.name for o in other.organizations.list()]
    with pytest.raises(pinakes.Conflict) as last:
        owner.organizations.remove_member(org, ada)
    assert last.value.code == "last_administrator"
    owner.teams.remove_member(team, ben)
    for _ in range(2):
        owner.organizations.remove_member(org, ben)
    owner.organizations.remove_member(org, name("nobody"), missing_ok=True)
    owner.teams.delete(team)
    owner.organizations.delete(org)
    with pytest.raises(pinakes.NotFound):
        owner.organizations.get(org)


def test_nobody_in_particular(served_url: str):
    with pinakes.connect(served_url) as nobody:
        with pytest.raises(pinakes.Unauthenticated) as caught:
            nobody.users.me()
        assert caught.value.code == "unauthenticated"
        assert caught.value.request_id
        assert isinstance(nobody.collections.list().first(1), list)
