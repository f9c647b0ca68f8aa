"""The first start of a server: its administrator, and his first token."""

from __future__ import annotations

from typing import cast

from pinakes.server.actor import Scope, system
from pinakes.server.db import Database, Tx, load
from pinakes.server.errors import Conflict
from pinakes.server.events.service import record
from pinakes.server.people import checks, secrets
from pinakes.server.people.accounts import insert_account
from pinakes.server.people.credentials import issue
from pinakes.server.people.types import Account, NewToken

SQL = load(__package__)

ADMINISTRATOR = "admin"


async def ensure_administrator(db: Database, token: str | None) -> str | None:
    """Make the administrator `admin` and his token, if the server has no administrator yet.

    With a token given, that token is made valid for the administrator, on later starts too. Servers that start on one
    database at the same time make one administrator between them.

    Returns:
        The token, when it was generated just now: to be shown once and kept. None otherwise.

    Raises:
        Invalid: the token given is too short, or has characters that can't be.
        Conflict: the token given is another user's.
    """
    given = checks.key(token, "PINAKES_ADMIN_TOKEN") if token else None
    async with db.transaction() as tx:
        await tx.run(SQL.hold_first_start)
        admin = await tx.one(SQL.administrator, Account)
        if admin is None:
            admin = await _create(tx)
            value = given or secrets.new_token()
            await issue(tx, system(), admin.id, NewToken(name="first start", scope=Scope.ADMIN), value)
            return None if given else value
        if given is not None:
            await _make_valid(tx, admin, given)
    return None


async def _create(tx: Tx) -> Account:
    made = await insert_account(
        tx,
        kind="user",
        name=ADMINISTRATOR,
        display_name="Administrator",
        email=None,
        password_hash=None,
        is_admin=True,
        organization_id=None,
    )
    await record(tx, system(), "user.created", account_id=made.id, after={"name": made.name, "admin": True})
    return made


async def _make_valid(tx: Tx, admin: Account, value: str) -> None:
    owner = cast("int | None", await tx.value(SQL.token_owner, digest=secrets.digest(value)))
    if owner is None:
        await issue(tx, system(), admin.id, NewToken(name="PINAKES_ADMIN_TOKEN", scope=Scope.ADMIN), value)
    elif owner == admin.id:
        await tx.run(SQL.restore_token, digest=secrets.digest(value))
    else:
        message = "PINAKES_ADMIN_TOKEN is another user's token; choose another value."
        raise Conflict(message, field="PINAKES_ADMIN_TOKEN")
