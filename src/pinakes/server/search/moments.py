"""Times as people write them: a year, a month, a day or a moment, in UTC unless a zone is said; or an age, `7d`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

AGES = {
    "s": timedelta(seconds=1),
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
    "mo": timedelta(days=30),
    "y": timedelta(days=365),
}
_AGE = re.compile(r"([0-9]{1,6})(s|min|h|d|w|mo|y)")
_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
_CLOCK = re.compile(r"[t ][0-9]{2}(:?(?P<minutes>[0-9]{2})(:?(?P<seconds>[0-9]{2})([.,](?P<digits>[0-9]+))?)?)?")
_DAYS = {"today": 0, "yesterday": 1}
_HINT = "is no time such as 2026-03-14, 2026-03, 2026-03-14T12:00:00Z, today, or an age such as 7d, 12h, 2w, 6mo"


class Moments(NamedTuple):
    """The moments that a text means: from `begin` up to, not including, `end`. An age means all since then."""

    begin: datetime
    end: datetime
    is_age: bool = False


def moments(text: str, now: datetime | None = None) -> Moments:
    """Read a time.

    Raises:
        ValueError: it is none; the message says what would be.
    """
    now = now or datetime.now(UTC)
    text = text.strip().lower()
    try:
        return _read(text, now)
    except (ValueError, OverflowError):
        message = f"{text[:80]!r} {_HINT}"
        raise ValueError(message) from None


def _read(text: str, now: datetime) -> Moments:
    if match := _AGE.fullmatch(text):
        return Moments(now - int(match[1]) * AGES[match[2]], now, is_age=True)
    if text in _DAYS:
        begin = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=_DAYS[text])
        return Moments(begin, begin + timedelta(days=1))
    if match := _DATE.fullmatch(text):
        return _date(int(match[1]), match[2], match[3])
    moment = datetime.fromisoformat(text.upper())
    moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    return Moments(moment, moment + _precision(text))


def _date(year: int, month: str | None, day: str | None) -> Moments:
    begin = datetime(year, int(month or 1), int(day or 1), tzinfo=UTC)
    if day is not None:
        return Moments(begin, begin + timedelta(days=1))
    if month is not None:
        return Moments(begin, (begin + timedelta(days=32)).replace(day=1))
    return Moments(begin, begin.replace(year=year + 1))


def _precision(text: str) -> timedelta:
    """Return how long the moment is that a text means: as exact as it is written."""
    clock = _CLOCK.search(text)
    if clock is None or clock["minutes"] is None:
        return timedelta(hours=1) if clock else timedelta(days=1)
    if clock["seconds"] is None:
        return timedelta(minutes=1)
    return timedelta(microseconds=10 ** max(0, 6 - len(clock["digits"] or "")))
