"""The server, the people and the place to work for the tests of the `wandb` client.

The folder runs under two interpreters: the main one, with the newest client and the fixtures of the main run, and the
one that holds the older client, which gets a server in `PINAKES_TEST_URL` and `PINAKES_TEST_ADMIN_TOKEN`. So nothing
here imports more than pytest, the standard library and `wandb`.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest

from clients.wandb.lab import Desk, Lab, Person, Team, unique, working


@pytest.fixture(scope="session")
def lab(request: pytest.FixtureRequest) -> Lab:
    """The server that the environment names, else the main run's."""
    url, token = os.environ.get("PINAKES_TEST_URL"), os.environ.get("PINAKES_TEST_ADMIN_TOKEN")
    if url is None or token is None:
        server = request.getfixturevalue("server")
        url, token = server.url, server.admin_token
    return Lab(url, token)


@pytest.fixture
def alice(lab: Lab) -> Person:
    """Somebody; an admin of the team and its organization, where there is one."""
    return lab.person("alice")


@pytest.fixture
def bob(lab: Lab) -> Person:
    """Somebody else, who is a member of nothing yet."""
    return lab.person("bob")


@pytest.fixture
def team(lab: Lab, alice: Person) -> Team:
    """A team of alice's."""
    return lab.team(admin=alice)


@pytest.fixture
def desk(lab: Lab, alice: Person, team: Team, tmp_path: Path) -> Generator[Desk]:
    """Alice's place: the environment is hers, nothing is cached, and the client ends with the test."""
    with working(alice, tmp_path):
        yield Desk(lab, alice, team, unique("project"), tmp_path)


@pytest.fixture(scope="module")
def studio(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Generator[Desk]:
    """A place that the tests of a module share, since each beginning of the client takes a second or two.

    Who asks for it and for `desk` in one module begins anew each time.
    """
    person, folder = lab.person("carol"), tmp_path_factory.mktemp("studio")
    team = lab.team(admin=person)
    with working(person, folder):
        yield Desk(lab, person, team, unique("project"), folder)


@pytest.fixture
def spot(studio: Desk, tmp_path: Path) -> Desk:
    """The shared place, with a project and a folder of the test's own."""
    return replace(studio, project=unique("project"), folder=tmp_path)


@pytest.fixture(autouse=True)
def no_accident(lab: Lab) -> Generator[None]:
    """Nothing that a test does has the server fail: the client would ask again for a quarter of an hour."""
    before = lab.accidents()
    yield
    assert lab.accidents() == before
