"""The workloads of releases, R1 to R6, numbered as in the performance goals; MLflow takes part in those that it has."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Iterator
from urllib.parse import quote

from bench import mlflow_peer
from bench.data import token_of
from bench.documents import BY_NAME
from bench.load import Requests, ask, get, send
from bench.release_data import (
    ORGANIZATION,
    PROJECT,
    REGISTRY,
    REGISTRY_READER,
    REGISTRY_WRITER,
    TAGS,
    TEAM,
    TYPE,
    Release,
)
from bench.stage import Stage
from bench.workloads import HALF, Loop, Peer, Target, Workload, always, any_of, made

API = "/api/v1"
COLLECTIONS = f"{API}/collections"
IN_REGISTRY = f"{API}/organizations/{ORGANIZATION}/registries/{REGISTRY}/collections"
MLFLOW = mlflow_peer.API
# What is committed while a load lasts was begun before: so many a second.
COMMITS = 800

_serial = itertools.count(1)


def _reader() -> str:
    return token_of(REGISTRY_READER)


def _writer() -> str:
    return token_of(REGISTRY_WRITER)


# ----------------------------------------------------------------------------------------------------------------------
# R1: a version by name and alias
# ----------------------------------------------------------------------------------------------------------------------


def by_alias(stage: Stage) -> Requests:
    return any_of(
        [get(f"{COLLECTIONS}/{r.public_id}/versions/production", _reader()) for r in stage.marks.releases.small]
    )


def by_alias_thin(stage: Stage) -> Requests:
    return any_of([get(f"/native/versions/{r.public_id}/production") for r in stage.marks.releases.small])


def by_alias_mlflow(stage: Stage) -> Requests:
    path = f"{MLFLOW}/registered-models/alias?alias=production&name=net-"
    return any_of([get(f"{path}{n}") for n in range(len(stage.marks.releases.small))])


def by_name(stage: Stage) -> Requests:
    return _by_name(stage, _reader())


def by_name_thin(stage: Stage) -> Requests:
    return _by_name(stage, None)


def _by_name(stage: Stage, token: str | None) -> Requests:
    place = {"entity": ORGANIZATION, "project": f"wandb-registry-{REGISTRY}", "includeAliases": False}
    names = (f"net-{n}:production" for n in range(len(stage.marks.releases.small)))
    return any_of(
        [send("POST", "/graphql", {"query": BY_NAME, "variables": {**place, "name": name}}, token) for name in names]
    )


# ----------------------------------------------------------------------------------------------------------------------
# R2 and R3: releases with a tag, the newest versions
# ----------------------------------------------------------------------------------------------------------------------


def by_tag(_: Stage) -> Requests:
    return any_of([get(f"{IN_REGISTRY}?tag=theme-{n}&limit=100", _reader()) for n in range(TAGS)])


def by_tag_thin(_: Stage) -> Requests:
    return any_of([get(f"/native/releases/{REGISTRY}/theme-{n}") for n in range(TAGS)])


def by_tag_mlflow(_: Stage) -> Requests:
    path = f"{MLFLOW}/registered-models/search?max_results=100&filter="
    return any_of([get(path + quote(f"tags.theme = '{n}'")) for n in range(TAGS)])


def newest(stage: Stage) -> Requests:
    return always(get(f"{COLLECTIONS}/{stage.marks.releases.long.public_id}/versions?limit=100", _reader()))


def newest_thin(stage: Stage) -> Requests:
    return always(get(f"/native/versions/{stage.marks.releases.long.public_id}"))


def newest_mlflow(_: Stage) -> Requests:
    wanted, order = quote(f"name = '{mlflow_peer.LONG}'"), quote("version_number DESC")
    return always(get(f"{MLFLOW}/model-versions/search?max_results=100&filter={wanted}&order_by={order}"))


def newest_ten(stage: Stage) -> Requests:
    return always(get(f"{COLLECTIONS}/{stage.marks.releases.long.public_id}/versions?limit=10", _reader()))


def newest_ten_of_ten(stage: Stage) -> Requests:
    return always(get(f"{COLLECTIONS}/{stage.marks.releases.short.public_id}/versions?limit=10", _reader()))


# ----------------------------------------------------------------------------------------------------------------------
# R4 and R5: set an alias
# ----------------------------------------------------------------------------------------------------------------------


def _in_turn(stage: Stage) -> Iterator[tuple[int, int]]:
    """Go through the small releases in an order by chance; return each with which of its versions is to be named next.

    None comes twice before all have: of two at once MLflow refuses one.
    """
    order = _order(stage)
    for turn in itertools.cycle((0, 1)):
        yield from ((at, turn) for at in order)


def _order(stage: Stage) -> list[int]:
    count = len(stage.marks.releases.small)
    return random.Random(next(_serial)).sample(range(count), count)


def _put(release: Release, version: int) -> bytes:
    return send("PUT", f"{COLLECTIONS}/{release.public_id}/aliases/staging", {"version": version}, _writer())


def set_alias(stage: Stage) -> Requests:
    small = stage.marks.releases.small
    return made(_put(small[at], small[at].versions[turn]) for at, turn in _in_turn(stage))


def set_alias_thin(stage: Stage) -> Requests:
    small = stage.marks.releases.small
    return made(
        send("PUT", f"/alias/{small[at].public_id}", {"version": small[at].versions[turn]})
        for at, turn in _in_turn(stage)
    )


def _named(name: str, version: int) -> bytes:
    body = {"name": name, "alias": "staging", "version": str(version)}
    return send("POST", f"{MLFLOW}/registered-models/alias", body)


def set_alias_mlflow(stage: Stage) -> Requests:
    return made(_named(f"net-{at}", turn + 1) for at, turn in _in_turn(stage))


def set_alias_of_long(stage: Stage) -> Requests:
    long = stage.marks.releases.long
    return made(_put(long, version) for version in _by_chance(long.versions))


def set_alias_of_long_mlflow(stage: Stage) -> Requests:
    versions = list(range(1, len(stage.marks.releases.long.versions) + 1))
    return made(_named(mlflow_peer.LONG, version) for version in _by_chance(versions))


def _by_chance(numbers: list[int]) -> Iterator[int]:
    chance = random.Random(next(_serial))
    while True:
        yield chance.choice(numbers)


# ----------------------------------------------------------------------------------------------------------------------
# R6: create a release, add a version
# ----------------------------------------------------------------------------------------------------------------------


def _new(whose: str) -> Iterator[dict[str, object]]:
    for n in _serial:
        name = f"{whose}-made-{n}-at-{time.time_ns()}"
        yield {"name": name, "description": "Made to be measured.", "tags": ["a", "b"]}


def create(_: Stage) -> Requests:
    return made(send("POST", IN_REGISTRY, {**body, "types": [TYPE]}, _writer()) for body in _new("ours"))


def create_thin(_: Stage) -> Requests:
    return made(send("POST", "/create-release", body) for body in _new("thin"))


def create_mlflow(_: Stage) -> Requests:
    tags = [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}]
    return made(send("POST", f"{MLFLOW}/registered-models/create", {**body, "tags": tags}) for body in _new("mlflow"))


def _pairs(stage: Stage) -> Iterator[tuple[Release, int]]:
    """Return releases with versions that they don't hold yet: the first of all with one, then all with another."""
    small, versions = stage.marks.releases.small, stage.marks.releases.long.versions
    order = _order(stage)
    for version in versions:
        yield from ((small[at], version) for at in order)


def link(stage: Stage) -> Requests:
    return made(
        send("POST", f"{COLLECTIONS}/{release.public_id}/versions", {"version": version}, _writer())
        for release, version in _pairs(stage)
    )


def link_thin(stage: Stage) -> Requests:
    return made(send("POST", f"/link/{release.public_id}", {"version": version}) for release, version in _pairs(stage))


def add_version_mlflow(stage: Stage) -> Requests:
    return made(
        send("POST", f"{MLFLOW}/model-versions/create", {"name": f"net-{at}", "source": "s3://models/model"})
        for at in itertools.cycle(_order(stage))
    )


# A draft is there as a client leaves it when all its files have arrived, its manifest too.
_DRAFTS = """
with made as (
    insert into versions (artifact_id, digest, metadata, user_id)
    select c.ids[1 + n %% cardinality(c.ids)], md5('draft ' || n || clock_timestamp()), v.metadata, v.user_id
    from versions as v
    cross join (
        select array_agg(c.id) as ids
        from collections as c inner join items as i on c.id = i.id
        where c.kind = 'artifact' and i.title like 'line-%%'
    ) as c
    cross join generate_series(1, %(count)s) as n
    where v.id = %(pattern)s
    returning id
), lists as (
    insert into manifests (version_id, name, md5)
    select m.id, f.name, f.md5
    from made as m cross join manifests as f
    where f.version_id = %(pattern)s
)
select id from made order by id
"""


def commit(stage: Stage) -> Requests:
    wanted = (stage.sizes.rounds * stage.sizes.seconds + 1) * COMMITS
    file = {"path": "model.bin", "reference": "s3://models/model.bin", "size": 104857600}
    body = {"artifact": f"pattern-{next(_serial)}", "type": TYPE, "files": [file]}
    begun = ask(stage.ours.port, send("POST", f"{API}/projects/{TEAM}/{PROJECT}/versions", body, _writer()))
    with stage.connect() as connection:
        values = {"pattern": begun["version"]["id"], "count": int(wanted)}
        found = connection.execute(_DRAFTS, values).fetchall()
    return made(send("POST", f"{API}/versions/{row[0]}/commit", None, _writer()) for row in found)


def commit_thin(stage: Stage) -> Requests:
    with stage.connect() as connection:
        query = (
            "select c.id from collections as c inner join items as i on c.id = i.id"
            " where c.kind = 'artifact' and i.title like 'line-%'"
        )
        artifacts = [int(str(row[0])) for row in connection.execute(query).fetchall()]
    chance = random.Random(next(_serial))
    return made(
        send("POST", f"/log/{chance.choice(artifacts)}", {"digest": f"{number:032}"}) for number in itertools.count(1)
    )


RELEASE_WORKLOADS: list[Workload] = [
    Loop(
        "R1a",
        "a version by alias, random of 10k releases, native",
        by_alias,
        by_alias_thin,
        HALF,
        peer=Peer(by_alias_mlflow, 10),
    ),
    Loop(
        "R1b",
        "the same by name, wandb",
        by_name,
        by_name_thin,
        HALF,
        peer=Peer(by_alias_mlflow, 10),
    ),
    Loop(
        "R2",
        "list releases by tag (1 % of 10k), page of 100",
        by_tag,
        by_tag_thin,
        HALF,
        peer=Peer(by_tag_mlflow, 12),
    ),
    Loop(
        "R3a",
        "newest 100 of a release with 10k versions",
        newest,
        newest_thin,
        HALF,
        peer=Peer(newest_mlflow, 15),
    ),
    Loop(
        "R3b",
        "newest 10 of one with 10k, against one with 10; one connection",
        newest_ten,
        newest_ten_of_ten,
        Target("latency", 1.2),
        1,
        against="of one with 10",
        equal_payload=False,
    ),
    Loop(
        "R4",
        "set an alias, random of 10k releases",
        set_alias,
        set_alias_thin,
        HALF,
        equal_payload=False,
        peer=Peer(set_alias_mlflow, 10),
    ),
    Loop(
        "R5",
        "set an alias on a release with 10k versions, against R4; one connection",
        set_alias_of_long,
        set_alias,
        Target("latency", 1.2),
        1,
        against="our R4",
        equal_payload=False,
        peer=Peer(set_alias_of_long_mlflow, 100),
    ),
    Loop(
        "R6a",
        "create a release with 2 tags",
        create,
        create_thin,
        HALF,
        equal_payload=False,
        peer=Peer(create_mlflow, 7),
    ),
    Loop(
        "R6b",
        "link a version into a release, random of 10k",
        link,
        link_thin,
        HALF,
        equal_payload=False,
        peer=Peer(add_version_mlflow, 9),
    ),
    Loop(
        "R6c",
        "commit a new version, random of 200 artifacts",
        commit,
        commit_thin,
        HALF,
        equal_payload=False,
        peer=Peer(add_version_mlflow, 9),
    ),
]
