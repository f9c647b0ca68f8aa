"""The public ids of collections."""

from __future__ import annotations

import secrets
import time


def new_public_id() -> str:
    """Return 24 hex digits: the time in seconds, as in the ids that the Hub gives out, and 64 random bits."""
    return f"{int(time.time()):08x}{secrets.token_hex(8)}"
