"""Who may: whoever has the address."""

from __future__ import annotations

from fastapi import Request

from pinakes.server.signing import Operation, Ticket
from pinakes.server.state import state_of


def ticket_of(request: Request, token: str, *operations: Operation) -> Ticket:
    """Return what an address allows; Forbidden when that is nothing (any more), or something else."""
    return state_of(request).signer.read(token, *operations)
