"""When to try again, and after how long."""

from __future__ import annotations

import random
from dataclasses import dataclass

# A method that may be repeated because doing it twice is doing it once. Others need an idempotency key.
REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})

# Statuses that say: not now. The request was not carried out, or it may be repeated under its key.
PASSING = frozenset({429, 502, 503, 504})

TOO_MANY_REQUESTS = 429


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How patient the client is.

    Attributes:
        retries: How often to try again after the first time; 0 never.
        first: The pause before the first repetition, in seconds; it doubles each time.
        longest: The longest pause that the client chooses itself.
        patience: The longest pause that it accepts from the server's `Retry-After`; a longer one is an error at once.
        strangers: How often to try again while no server ever answered at this URL: a typing error shows soon.
    """

    retries: int = 5
    first: float = 0.2
    longest: float = 10.0
    patience: float = 60.0
    strangers: int = 1

    def pause(self, attempt: int, retry_after: float | None = None) -> float | None:
        """Return how long to wait before repetition `attempt` (from 1); None to give up.

        Half of the pause is chance, so that many clients that failed together don't come back together.
        """
        if attempt > self.retries or (retry_after is not None and retry_after > self.patience):
            return None
        pause = min(self.longest, self.first * 2.0 ** (attempt - 1))
        pause *= 0.5 + random.random() / 2  # noqa: S311 - to spread load, not to keep a secret
        return pause if retry_after is None else max(retry_after, pause)
