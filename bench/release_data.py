"""The data of the releases' workloads: an organization with a team and a registry, many small releases, a large one.

Made by SQL as well. Every release holds two versions of its team's artifacts, the first of which `production` names and
the second `latest`; `long` holds as many versions as the sizes say, and `short` ten.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, LiteralString

ORGANIZATION = "bench"
TEAM = "bench-training"
REGISTRY = "Models"
PROJECT = "digits"
REGISTRY_READER = "registry-reader"
REGISTRY_WRITER = "registry-writer"
TYPE = "model"
TAGS = 100
SHORT = 10
# How many versions an artifact has whose versions the small releases hold.
PER_ARTIFACT = 100

PEOPLE = """
insert into accounts (kind, name, display_name) values ('organization', %(organization)s, 'Bench');

insert into accounts (kind, name, display_name, organization_id)
select v.kind, v.name, v.title, o.id
from (values
    ('team', %(team)s, 'Training'), ('registry', %(organization)s || '.models', %(registry)s)
) as v (kind, name, title)
cross join accounts as o
where o.name = %(organization)s;

insert into registries (account_id) select a.id from accounts as a where a.kind = 'registry';

insert into memberships (user_id, account_id, role)
select u.id, a.id, case when u.name = %(writer)s then 'member' else 'viewer' end
from accounts as u
cross join accounts as a
where u.name in (%(writer)s, %(reader)s) and a.kind in ('organization', 'team', 'registry');

with made as (
    insert into items (kind, owner_id, name, name_key, visibility)
    select 'project', a.id, %(project)s, %(project)s, 'private' from accounts as a where a.name = %(team)s
    returning id
)
insert into projects (item_id) select id from made;

insert into artifact_types (project_id, name) select p.item_id, %(type)s from projects as p;
"""

# Artifacts, then their versions; `long` and `short` are artifacts here and, further down, releases.
ARTIFACTS = """
with wanted as (
    select
        'line-' || n as title, n as turn, %(each)s as versions
    from generate_series(0, (%(releases)s * 2 - 1) / %(each)s) as n
    union all
    select 'long', 1000000, %(long)s
    union all
    select 'short', 1000001, %(short)s
),

made as (
    insert into items (kind, owner_id, container_id, name, name_key, title, visibility)
    select 'collection', p.owner_id, p.id, w.title, w.title, w.title, 'private'
    from wanted as w
    cross join items as p
    where p.kind = 'project'
    order by w.turn
    returning id, title
)

insert into collections (id, kind, public_id, types, revision, entry_count, updated_at)
select
    m.id, 'artifact', substring(md5('artifact ' || m.title) from 1 for 24), array[%(type)s], 1 + w.versions,
    w.versions, now() - interval '2 years'
from made as m
inner join wanted as w on m.title = w.title;

insert into items (kind, owner_id, container_id, name, name_key, title, visibility)
select
    'version', a.owner_id, a.container_id, %(project)s || '/' || a.title || ':v' || n, a.id || ':v' || n,
    a.title || ':v' || n, 'private'
from collections as c
inner join items as a on c.id = a.id
cross join lateral generate_series(0, c.entry_count - 1) as n
where c.kind = 'artifact'
order by a.id, n;

insert into versions (
    artifact_id, item_id, number, state, digest, metadata, description, size, file_count, user_id, committed_at
)
select
    a.id, i.id, split_part(i.name_key, ':v', 2)::integer, 'committed', md5(i.name_key),
    '{"accuracy": 0.9731, "epochs": 12, "optimizer": "adam"}'::jsonb, 'Trained on the digits, all of them.',
    104857600, 4, u.id, now() - interval '1 year'
from items as i
inner join items as a on a.id = split_part(i.name_key, ':v', 1)::integer
cross join accounts as u
where i.kind = 'version' and u.name = %(writer)s
order by i.id;
"""

RELEASES = """
with wanted as (
    select 'net-' || n as title, n as turn, 2 as versions
    from generate_series(0, %(releases)s - 1) as n
    union all
    select 'long', 1000000, %(long)s
    union all
    select 'short', 1000001, %(short)s
),

made as (
    insert into items (kind, owner_id, name, name_key, title, visibility)
    select 'collection', r.id, w.title, w.title, w.title, 'private'
    from wanted as w
    cross join accounts as r
    where r.kind = 'registry'
    order by w.turn
    returning id, title
)

insert into collections (id, kind, public_id, description, types, tags, revision, entry_count, updated_at)
select
    m.id, 'release', substring(md5('release ' || m.title) from 1 for 24),
    repeat('What came of training on the digits; see the card for its settings and what it is good for. ', 5),
    array[%(type)s],
    case
        when w.turn < 1000000
            then array['theme-' || w.turn %% %(tags)s, 'stage-' || w.turn / %(tags)s %% %(tags)s]
        else '{}'
    end,
    1 + w.versions, w.versions, now() - interval '1 year' - w.turn * interval '1 minute'
from made as m
inner join wanted as w on m.title = w.title;
"""

# The releases' versions are those of the lines in their order, two each; `long` and `short` have their artifacts'.
ENTRIES = """
create temporary table placed as
select v.artifact_id as collection_id, v.item_id, v.number
from versions as v
union all
select r.id, v.item_id, (v.turn %% 2)::integer
from (
    select v.item_id, row_number() over (order by v.id) - 1 as turn
    from versions as v inner join items as a on v.artifact_id = a.id
    where a.title like 'line-%%'
) as v
inner join items as r on r.title = 'net-' || v.turn / 2 and r.kind = 'collection'
union all
select r.id, v.item_id, v.number
from versions as v
inner join items as a on v.artifact_id = a.id
inner join items as r on a.title = r.title and r.container_id is null and r.kind = 'collection'
where a.title in ('long', 'short');

insert into entries (collection_id, item_id, order_key, since_rev, added_rev, added_by, closed, added_at)
select
    p.collection_id, p.item_id, substring(int8send(%(key)s::bigint + p.number) from 3), 2 + p.number, 2 + p.number,
    u.id, false, now() - interval '1 year'
from placed as p
cross join accounts as u
where u.name = %(writer)s;

insert into entry_numbers (collection_id, item_id, number) select p.collection_id, p.item_id, p.number from placed as p;

insert into entry_aliases (collection_id, alias, item_id, since_rev, set_by, set_at)
select p.collection_id, a.alias, p.item_id, 2 + p.number, u.id, now() - interval '1 year'
from placed as p
inner join collections as c on p.collection_id = c.id
cross join (values ('latest'), ('production')) as a (alias)
cross join accounts as u
where u.name = %(writer)s and (
    (a.alias = 'latest' and p.number = c.entry_count - 1)
    or (a.alias = 'production' and p.number = 0 and c.kind = 'release')
);

insert into events (verb, actor_id, api, item_id, collection_id, revision, after)
select 'collection.created', u.id, 'native', c.id, c.id, 1, jsonb_build_object('title', i.title)
from collections as c
inner join items as i on c.id = i.id
cross join accounts as u
where c.kind <> 'showcase' and u.name = %(writer)s;

insert into events (verb, actor_id, api, item_id, collection_id, revision, after)
select
    v.verb, u.id, 'native', p.item_id, p.collection_id, 2 + p.number,
    case v.verb
        when 'entry.added' then jsonb_build_object(
            'count', 1, 'entries', jsonb_build_array(jsonb_build_object('item', p.item_id, 'number', p.number))
        )
        else jsonb_build_object('alias', 'latest', 'item', p.item_id, 'number', p.number)
    end
from placed as p
cross join (values ('entry.added'), ('alias.set')) as v (verb)
cross join accounts as u
where u.name = %(writer)s
order by p.collection_id, p.number, v.verb desc;

drop table placed;

create table thin_numbers (like entry_numbers including indexes);
"""

FIND = """
select c.id, c.public_id, i.title
from collections as c inner join items as i on c.id = i.id
where c.kind = 'release' and i.title in ('long', 'short')
"""

ALL = """
select c.public_id, c.id, array_agg(v.id order by e.order_key)
from collections as c
inner join items as i on c.id = i.id
inner join entries as e on c.id = e.collection_id
inner join versions as v on e.item_id = v.item_id
where c.kind = 'release' and i.title like 'net-%%'
group by c.id, i.title
order by substring(i.title from 5)::integer
"""

OF_LONG = "select v.id from versions as v inner join items as a on v.artifact_id = a.id where a.title = 'long'"


@dataclass(frozen=True, slots=True)
class Release:
    """A release: its number, its public id, and the versions that it holds, by their numbers on the server."""

    id: int
    public_id: str
    versions: list[int]


@dataclass(frozen=True, slots=True)
class Releases:
    """The small releases in the order of their names, `net-0` first, and the two that are compared."""

    small: list[Release]
    long: Release
    short: Release


def load(say: Callable[..., None], *, releases: int, long: int, key: int) -> None:
    """Fill the tables by a way to run statements: what they are for, their text, and their values."""
    names = {"organization": ORGANIZATION, "team": TEAM, "registry": REGISTRY, "project": PROJECT, "type": TYPE}
    people = {"reader": REGISTRY_READER, "writer": REGISTRY_WRITER}
    counts = {"releases": releases, "long": long, "short": SHORT, "each": PER_ARTIFACT, "tags": TAGS, "key": key}
    values = {**names, **people, **counts}
    say("the registry", PEOPLE, **values)
    say("artifacts", ARTIFACTS, **values)
    say("statistics of artifacts", "analyze items, versions, collections")
    say("releases", RELEASES, **values)
    say("statistics of releases", "analyze items, collections")
    say("their versions", ENTRIES, **values)


def find(rows: Callable[[LiteralString], list[tuple[Any, ...]]]) -> Releases:
    """Look up where things are, by a way to run queries."""
    pair = {title: (number, public_id) for number, public_id, title in rows(FIND)}
    of_long = [row[0] for row in rows(OF_LONG)]
    small = [Release(number, public_id, versions) for public_id, number, versions in rows(ALL.replace("%%", "%"))]
    return Releases(small, Release(*pair["long"], of_long), Release(*pair["short"], []))
