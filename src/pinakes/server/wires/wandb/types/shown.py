"""What versions need when they are shown: read once for all that are shown together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pinakes.server.artifacts.types import Version
from pinakes.server.collections import numbered
from pinakes.server.collections.types import Card
from pinakes.server.wires.wandb.context import Context
from pinakes.server.wires.wandb.once import once
from pinakes.server.wires.wandb.types import collections


@dataclass(frozen=True, slots=True)
class Before:
    """What `latest` named before a version was begun; None for the first version of all."""

    latest: Version | None


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """Versions that are shown together: what one of them needs beside its row is read for all of them."""

    rows: Sequence[Version]

    async def cards(self, ctx: Context) -> Mapping[int, Card]:
        """Return the artifacts of all, as far as the reader sees them."""
        wanted = sorted({row.artifact_id for row in self.rows})
        return await once(ctx, ("cards", self), lambda: numbered.cards(ctx.tx, ctx.actor, wanted))

    async def aliases(self, ctx: Context) -> Mapping[int, list[collections.ArtifactAlias]]:
        """Return the aliases of all, in every collection that the reader sees, by item."""
        return await once(ctx, ("aliases", self), lambda: self._aliases(ctx))

    async def _aliases(self, ctx: Context) -> Mapping[int, list[collections.ArtifactAlias]]:
        items = [row.item_id for row in self.rows if row.item_id is not None]
        found = await numbered.all_aliases_of(ctx.tx, ctx.actor, items)
        cards = await numbered.cards(ctx.tx, ctx.actor, sorted({row.collection_id for row in found}))
        named: dict[int, list[collections.ArtifactAlias]] = {}
        for row in found:
            if row.collection_id in cards:
                alias = collections.alias_of(cards[row.collection_id], row.alias)
                named.setdefault(row.item_id, []).append(alias)
        return named
