"""The server, the people and the place to work for the tests of the `supervisely` client.

The folder runs under an interpreter of its own, which holds the client: its pins clash with ours. It gets a server in
`PINAKES_TEST_URL` and `PINAKES_TEST_ADMIN_TOKEN` (`tests/clients/test_supervisely.py`). So nothing here imports more
than pytest, the standard library and what comes with the client.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from importlib.util import find_spec

import pytest

if find_spec("supervisely") is None:
    collect_ignore_glob = ["*.py"]
else:
    from clients.supervisely.studio import Person, Place, Studio, Team, unique

    @pytest.fixture(scope="session")
    def studio() -> Studio:
        """The server that the environment names."""
        return Studio(os.environ["PINAKES_TEST_URL"], os.environ["PINAKES_TEST_ADMIN_TOKEN"])

    @pytest.fixture(scope="session")
    def lead(studio: Studio) -> Person:
        """Who has the team, makes projects and queues."""
        return studio.person("lead")

    @pytest.fixture(scope="session")
    def team(studio: Studio, lead: Person) -> Team:
        """Lead's team: two labelers, a reviewer, and somebody who only looks."""
        made = lead.api.team.create(unique("team"))
        team = Team(made.id, made.name, lead, *(studio.person(word) for word in ("anna", "ben", "rita", "vera")))
        for person, role in team.roles:
            lead.api.user.add_to_team(person.id, team.id, role)
        return team

    @pytest.fixture(scope="session")
    def workspace(lead: Person, team: Team) -> int:
        """A workspace of the team."""
        return lead.api.workspace.create(team.id, unique("work")).id

    @pytest.fixture
    def place(lead: Person, team: Team, workspace: int) -> Place:
        """A new project of images with two datasets and the usual classes and tags."""
        return Place.new(lead.api, team, workspace)

    @pytest.fixture(autouse=True)
    def no_accident(studio: Studio) -> Generator[None]:
        """Nothing that a test does has the server fail: the client would ask again for five minutes."""
        before = studio.accidents()
        yield
        assert studio.accidents() == before
