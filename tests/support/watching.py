"""Seeing which queries run, to hold how many a route or a verb takes."""

from __future__ import annotations

from typing import Any

import pytest

from pinakes.server.db import Query, Tx


def watch_queries(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of the queries that run from now on."""
    return _watched(monkeypatch, begins=False)


def watch_round_trips(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the same, and `begin` where a transaction begins."""
    return _watched(monkeypatch, begins=True)


def _watched(monkeypatch: pytest.MonkeyPatch, *, begins: bool) -> list[str]:
    ran: list[str] = []
    execute, begun = Tx._execute, Tx._begun

    async def executed(self: Tx, query: Query, params: dict[str, object]) -> Any:  # noqa: ANN401 - as it is
        found = await execute(self, query, params)
        ran.append(query.name)
        return found

    async def began(self: Tx) -> None:
        if begins and self._begin is not None:
            ran.append("begin")
        await begun(self)

    monkeypatch.setattr(Tx, "_execute", executed)
    monkeypatch.setattr(Tx, "_begun", began)
    return ran
