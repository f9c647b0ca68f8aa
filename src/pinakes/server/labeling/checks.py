"""The checks of collections that ask for labels: only items with a tag, with a class, or accepted in review."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pinakes.server.actor import Actor
from pinakes.server.collections.check_types import Against, Kind, Subject, Violations
from pinakes.server.collections.checks import number, only, register, violations, word
from pinakes.server.collections.enforcing import NAMED
from pinakes.server.collections.types import Collection
from pinakes.server.db import Tx, load
from pinakes.server.errors import Invalid
from pinakes.server.permissions.service import sight

SQL = load(__package__, "checks.sql")


async def _tag_params(_tx: Tx, _actor: Actor, _: Collection, params: Mapping[str, object]) -> dict[str, object]:
    only(params, "tag")
    return {"tag": word(params, "tag")}


async def _untagged(tx: Tx, _: Subject, params: Mapping[str, object], items: Sequence[int]) -> Violations:
    rows = await tx.all(SQL.items_untagged, Against, items=list(items), name=params["tag"], limit=NAMED)
    return violations(rows, "does not have the tag")


async def _class_params(_tx: Tx, _actor: Actor, _: Collection, params: Mapping[str, object]) -> dict[str, object]:
    only(params, "class")
    return {"class": word(params, "class")}


async def _unclassed(tx: Tx, _: Subject, params: Mapping[str, object], items: Sequence[int]) -> Violations:
    rows = await tx.all(SQL.items_unclassed, Against, items=list(items), name=params["class"], limit=NAMED)
    return violations(rows, "has no figure of the class")


async def _queue_params(tx: Tx, actor: Actor, _: Collection, params: Mapping[str, object]) -> dict[str, object]:
    only(params, "queue")
    queue_id = number(params, "queue")
    if queue_id is None:
        return {}
    seen = sight(actor)
    asked = {"queue_id": queue_id, "everything": seen.everything, "accounts": seen.accounts}
    if not await tx.value(SQL.queue_to_check, **asked):
        message = f"There is no queue {queue_id}, or you may not see it."
        raise Invalid(message, field="params.queue")
    return {"queue": queue_id}


async def _unreviewed(tx: Tx, _: Subject, params: Mapping[str, object], items: Sequence[int]) -> Violations:
    asked = {"items": list(items), "queue_id": params.get("queue"), "limit": NAMED}
    return violations(await tx.all(SQL.items_unreviewed, Against, **asked), "was not accepted in review")


register(Kind("tagged", _tag_params, _untagged))
register(Kind("classed", _class_params, _unclassed))
register(Kind("reviewed", _queue_params, _unreviewed))
