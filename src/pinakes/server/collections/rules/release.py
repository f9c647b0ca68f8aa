"""The rules of releases: their entries are links to versions, which the room `registries` makes and ends."""

from __future__ import annotations

from pinakes.server.collections.rules.types import Rules

RULES = Rules(
    kind="release",
    accepts=("version",),
    description_length=100_000,
    note_length=500,
    managed="A release changes by linking and unlinking versions.",
)
