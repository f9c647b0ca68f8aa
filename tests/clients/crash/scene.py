"""A server that is killed and started again, on one data folder."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import psycopg

from pinakes.server.postgres import EmbeddedPostgres
from support.folders import open_folder
from support.server import Server, free_port, serving


@dataclass
class Scene:
    """A data folder, and the server that is started on it again and again, at the same address."""

    data: Path
    port: int = field(default_factory=free_port)
    stack: ExitStack = field(default_factory=ExitStack)
    server: Server = field(init=False)

    @classmethod
    @contextmanager
    def opened(cls) -> Generator[Self]:
        """A scene in a folder of its own, with the server up; all of it goes afterwards."""
        with open_folder() as folder:
            scene = cls(folder)
            with scene.stack:
                scene.start()
                yield scene

    @property
    def database_url(self) -> str:
        """The URL of the private PostgreSQL's database."""
        return EmbeddedPostgres(self.data).url

    def start(self) -> None:
        """Start the server, where another may have been killed."""
        self.stack.close()
        self.server = self.stack.enter_context(serving(data=self.data, port=self.port))

    def rows(self, query: str, *values: object, **named: object) -> list[tuple[Any, ...]]:
        """Look into the database."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            return connection.execute(query.encode(), values or named).fetchall()
