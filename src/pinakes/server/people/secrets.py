"""Passwords, tokens and codes: how they are made, and what is kept of them."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import string
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

PREFIX = "pinakes_"
_ALPHABET = string.ascii_letters + string.digits
_LENGTH = 48

# No vowels and nothing that is easily taken for something else, so that a code neither spells a word nor confuses.
_CODE_ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
_CODE_LENGTH = 8

# A hash takes 64 MiB: two at once, so that a flood of attempts costs time and not the server's memory.
_HASHING = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")
_HASHER = PasswordHasher()


def new_token() -> str:
    """Make a token: legal for every client (W&B's wants 40 or more letters, digits and underscores, and no dash)."""
    return PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))


def new_secret() -> str:
    """Make a secret for a cookie or a device."""
    return secrets.token_urlsafe(32)


def new_user_code() -> str:
    """Make a code for people to type: two groups of four letters."""
    letters = "".join(secrets.choice(_CODE_ALPHABET) for _ in range(_CODE_LENGTH))
    return f"{letters[:4]}-{letters[4:]}"


def read_user_code(text: str) -> str:
    """Return a typed code as it was given out: in capitals, with its dash, whatever else was typed."""
    letters = "".join(letter for letter in text.upper() if letter in _CODE_ALPHABET)
    return f"{letters[:4]}-{letters[4:]}" if len(letters) == _CODE_LENGTH else ""


def digest(secret: str) -> bytes:
    """Return what is kept of a token or secret. They are long and random, so a plain hash is enough."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def hint(value: str) -> str:
    """Return what may be shown of a token, so that its owner knows it again."""
    return f"{PREFIX if value.startswith(PREFIX) else ''}…{value[-4:]}"


async def hash_password(password: str) -> str:
    """Hash a password, in a thread."""
    return await asyncio.get_running_loop().run_in_executor(_HASHING, _HASHER.hash, password)


async def verify_password(password: str, hashed: str | None) -> bool:
    """Tell whether a password is the one that was hashed; takes as long when there is no hash to compare with."""
    return await asyncio.get_running_loop().run_in_executor(_HASHING, _verify, password, hashed)


def outdated(hashed: str) -> bool:
    """Tell whether a hash was made with other parameters than today's."""
    return _HASHER.check_needs_rehash(hashed)


def _verify(password: str, hashed: str | None) -> bool:
    try:
        return _HASHER.verify(hashed or _nobody(), password) and hashed is not None
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return False


@cache
def _nobody() -> str:
    # What is verified against when there is no such user, so that the time taken does not tell.
    return _HASHER.hash(secrets.token_urlsafe())
