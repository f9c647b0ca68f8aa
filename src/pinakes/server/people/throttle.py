"""How often one may try: to sign in, to guess a device's code. Counted in the database, for all processes at once.

An attempt is counted by itself and before anything is looked at, so that what becomes of the request does not matter;
of several at the same moment each has its number. Rates are written as `settings.rates` reads them ("10/minute"): the
first attempt begins a window, and when it has ended the next one begins another.
"""

from __future__ import annotations

from hashlib import sha256

from pinakes.server.db import Database, Tx, load
from pinakes.server.errors import TooManyRequests
from pinakes.server.settings import Rate, Settings, rates

SQL = load(__package__)


async def attempt(db: Database, what: str, rate: str, *keys: str) -> None:
    """Count an attempt of somebody (`keys`: a name, an address) at something.

    Raises:
        TooManyRequests: he tried more often than `rate` allows; `details.retry_after` says when to come back.
    """
    async with db.changing() as tx:
        for one in rates(rate):
            await _count(tx.alone, one, what, *keys)


async def attempt_sign_in(db: Database, settings: Settings, name: str, address: str) -> None:
    """Count an attempt to sign in: of one address to one account, and of one address at all; TooManyRequests."""
    await _attempt_as(db, settings, "sign-in", name, address)


async def attempt_code(db: Database, settings: Settings, name: str, address: str) -> None:
    """Count an attempt to name a device's code, which is short enough to be guessed by who may try for ever."""
    await _attempt_as(db, settings, "device-code", name, address)


async def forget_old(tx: Tx) -> None:
    """Forget the attempts whose time is over."""
    await tx.run(SQL.forget_old_attempts)


async def _attempt_as(db: Database, settings: Settings, what: str, name: str, address: str) -> None:
    await attempt(db, what, settings.signin_limit_address, address)
    await attempt(db, what, settings.signin_limit, address, name.lower())


async def _count(tx: Tx, rate: Rate, what: str, *keys: str) -> None:
    parts = (what, str(rate.seconds), *keys)
    digest = sha256("\0".join(parts).encode(errors="surrogatepass")).digest()
    if await tx.value(SQL.count_attempt, digest=digest, times=rate.times, seconds=rate.seconds):
        return
    seconds = await tx.value(SQL.next_attempt_in, digest=digest) or 1
    message = f"Too many attempts; try again in {seconds} s."
    raise TooManyRequests(message, details={"retry_after": seconds})
