"""What runs may be called, and names for those that nobody named."""

from __future__ import annotations

import re
import secrets
from functools import cache
from importlib import resources

from pinakes.server.errors import Invalid

LONGEST_NAME = 128
LONGEST_DISPLAY_NAME = 500
LONGEST_WORD = 500
LONGEST_FACT = 4_000
LONGEST_TEXT = 100_000
LONGEST_FILE_NAME = 1_000

_REFUSED = frozenset("/\\#?%:")
_UNFIT = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
_NEW_LENGTH = 8


def generated(number: int) -> str:
    """Return a name for people: `brisk-heron-7`."""
    return "-".join([*(secrets.choice(words) for words in _words()), str(number)])


def new_name() -> str:
    """Return a name for addresses, as clients make them up."""
    return "".join(secrets.choice(_LETTERS) for _ in range(_NEW_LENGTH))


def run_name(name: str) -> str:
    """Return the name of a run, if it can be one.

    Raises:
        Invalid: it is empty, too long, or has characters that an address could not carry.
    """
    fits = 1 <= len(name) <= LONGEST_NAME and name == name.strip() and name not in {".", ".."}
    if not fits or not name.isprintable() or _REFUSED.intersection(name):
        message = (
            f"{name[:80]!r} can't be the name of a run: it has 1 to {LONGEST_NAME} printable characters, "
            "none of / \\ # ? % : and no blanks around it."
        )
        raise Invalid(message, field="name")
    return name


def file_name(name: str) -> str:
    """Return the name of a run's file: a relative path.

    Raises:
        Invalid: it leads elsewhere, is too long, or has control characters.
    """
    fits = 1 <= len(name) <= LONGEST_FILE_NAME and not {"", ".", ".."}.intersection(name.split("/"))
    if not fits or _UNFIT.search(name):
        message = (
            f"{name[:200]!r} can't be the name of a file: it is a relative path of 1 to {LONGEST_FILE_NAME} "
            "characters, without '.', '..' and control characters."
        )
        raise Invalid(message, field="files")
    return name


@cache
def _words() -> list[list[str]]:
    """Return the words of which names are made: the first, and the second."""
    text = resources.files(__package__ or "").joinpath("words.txt").read_text(encoding="utf-8")
    return [part.split() for part in text.split("\n\n")]
