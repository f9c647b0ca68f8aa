"""How often one may try: to sign in, to guess a device's code. Counted in this process, as rates ("10/minute")."""

from __future__ import annotations

import math
import time
from functools import cache

from limits import RateLimitItem, parse_many
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from pinakes.server.errors import TooManyRequests


@cache
def _limiter() -> MovingWindowRateLimiter:
    # Made at the first use: the storage starts a thread, and a server forks.
    return MovingWindowRateLimiter(MemoryStorage())


@cache
def _rates(text: str) -> list[RateLimitItem]:
    return parse_many(text)


def attempt(what: str, rate: str, *keys: str) -> None:
    """Count an attempt of somebody (`keys`: a name, an address) at something.

    Raises:
        TooManyRequests: he tried more often than `rate` allows; `details.retry_after` says when to come back.
    """
    for item in _rates(rate):
        if not _limiter().hit(item, what, *keys):
            reset = _limiter().get_window_stats(item, what, *keys).reset_time
            seconds = max(1, math.ceil(reset - time.time()))
            message = f"Too many attempts; try again in {seconds} s."
            raise TooManyRequests(message, details={"retry_after": seconds})


def attempt_sign_in(name: str, address: str, per_name: str, per_address: str) -> None:
    """Count an attempt to sign in: of one address to one account, and of one address at all; TooManyRequests."""
    attempt("sign-in", per_address, address)
    attempt("sign-in", per_name, address, name.lower())


def attempt_code(name: str, address: str, per_name: str, per_address: str) -> None:
    """Count an attempt to name a device's code, which is short enough to be guessed by who may try for ever."""
    attempt("device-code", per_address, address)
    attempt("device-code", per_name, address, name.lower())


def forget() -> None:
    """Forget all attempts; for tests."""
    _limiter().storage.reset()
