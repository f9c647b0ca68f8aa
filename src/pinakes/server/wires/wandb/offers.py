"""What this server does not offer, and how it says so."""

from __future__ import annotations

from pinakes.server.errors import Invalid


class NotOffered(Invalid):
    """This server does not offer that."""

    code = "not_offered"


def not_offered(what: str, instead: str | None = None) -> NotOffered:
    """Build the error for something that is not offered: `what` begins the sentence, as in "Sweeps are"."""
    message = f"{what} not offered by this server{f': {instead}' if instead else ''}."
    return NotOffered(message)
