"""The rules of artifacts: their entries are their own versions, which the room `artifacts` commits and deletes."""

from __future__ import annotations

from pinakes.server.collections.rules.types import Rules

RULES = Rules(
    kind="artifact",
    accepts=("version",),
    description_length=100_000,
    note_length=500,
    managed="An artifact changes by logging and deleting versions.",
)
