"""Letting a device in (RFC 8628): it shows a short code, its owner approves it in the browser, it gets a token."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pinakes.server.actor import Actor, Scope
from pinakes.server.db import IntegrityError, Tx, load, violated
from pinakes.server.errors import DeviceDenied, DeviceExpired, DevicePending, DeviceSlowDown, NotFound, Unavailable
from pinakes.server.people import checks, secrets
from pinakes.server.people.credentials import actor_for_user, issue, require_token_management
from pinakes.server.people.types import Account, DeviceGrant, DevicePoll, DeviceRequest, IssuedToken, NewToken
from pinakes.server.permissions.service import require_sign_in

SQL = load(__package__)

LASTS = timedelta(minutes=15)
INTERVAL = 2
TOKEN_LASTS = timedelta(days=365)

# Networks are not punctual: a poll that comes half a second early is no hurry.
_LEAST_INTERVAL = INTERVAL - 0.5
_ATTEMPTS = 5
_SECONDS = int(LASTS.total_seconds())


async def start_device_grant(tx: Tx, client_id: str) -> DeviceGrant:
    """Give a device a code to show and one to poll with. Any client may ask.

    Raises:
        Invalid: the client's name is too long or unprintable.
    """
    client = checks.line(client_id, "client_id") or "unknown client"
    await tx.run(SQL.forget_expired_grants)
    device_code = secrets.new_secret()
    for _ in range(_ATTEMPTS):
        user_code = secrets.new_user_code()
        if await _keep(tx, device_code, user_code, client):
            return DeviceGrant(device_code, user_code, _SECONDS, INTERVAL)
    message = "No code is free just now; try again."
    raise Unavailable(message)


async def _keep(tx: Tx, device_code: str, user_code: str, client: str) -> bool:
    """Write a request down; False when another device shows that code."""
    try:
        async with tx.savepoint():
            await tx.run(
                SQL.create_device_grant,
                digest=secrets.digest(device_code),
                user_code=user_code,
                client_id=client,
                seconds=_SECONDS,
            )
    except IntegrityError as error:
        if violated(error) != "device_grants_user_code_taken":
            raise
        return False
    return True


async def poll_device_grant(tx: Tx, device_code: str, *, api: str = "device", request_id: str = "") -> IssuedToken:
    """Give a device its token, once its owner has approved it; the code is used up then.

    Call it with `db.reading()`: that a device asked is to be remembered also when the answer is an error.

    Raises:
        DevicePending: nobody has decided yet.
        DeviceSlowDown: nobody has decided yet, and the device asks more often than it was told to.
        DeviceDenied: its owner turned it away.
        DeviceExpired: the code is unknown, used up or too old.
    """
    digest = secrets.digest(device_code)
    found = await tx.one(SQL.poll_device_grant, DevicePoll, digest=digest, least=_LEAST_INTERVAL)
    if found is None or found.expired:
        raise DeviceExpired
    if found.denied:
        raise DeviceDenied
    if found.user_id is None:
        raise DeviceSlowDown if found.hurried else DevicePending
    async with tx.savepoint():
        if not await tx.run(SQL.take_device_grant, digest=digest):
            raise DeviceExpired
        actor = await actor_for_user(tx, found.user_id, api, request_id)
        until = datetime.now(UTC) + TOKEN_LASTS
        wanted = NewToken(name=f"device: {found.client_id}"[: checks.LONGEST_TEXT], scope=Scope.WRITE, expires_at=until)
        return await issue(tx, actor, found.user_id, wanted, secrets.new_token())


async def device_request(tx: Tx, user_code: str) -> DeviceRequest:
    """Find the device that shows a code and waits for an answer.

    Raises:
        NotFound: none does, or not any more.
    """
    found = await tx.one(SQL.device_request, DeviceRequest, user_code=secrets.read_user_code(user_code))
    if found is None:
        raise _unknown()
    return found


async def decide_device_grant(tx: Tx, actor: Actor, user_code: str, approve: bool) -> None:  # noqa: FBT001 - the answer
    """Let the device that shows a code in, to act for the actor within scope write; or turn it away.

    Raises:
        Unauthenticated: nobody signed in.
        Forbidden, ScopeTooNarrow: the actor came with a token that may not make tokens.
        NotFound: no device that shows this code waits for an answer.
    """
    who = await tx.one(SQL.account_by_id, Account, id=require_sign_in(actor))
    if who is None:
        raise _unknown()
    require_token_management(actor, who)
    code = secrets.read_user_code(user_code)
    if not await tx.run(SQL.decide_device_grant, user_code=code, approve=approve, user_id=who.id):
        raise _unknown()


def _unknown() -> NotFound:
    return NotFound("No device that shows this code is waiting; ask it for a new one.", field="user_code")
