"""The rules of showcases. The two lengths are the Hub's (acceptance list, decision 7; H-38)."""

from __future__ import annotations

from pinakes.server.collections.rules.types import Rules

RULES = Rules(
    kind="showcase",
    accepts=("model", "dataset", "space", "paper", "bucket", "collection", "reference", "version", "project"),
    description_length=150,
    note_length=500,
)
