"""The data that everything is measured on: a catalog, many small showcases, and a few very large ones.

Rows are made inside PostgreSQL, as the server's own verbs would have left them (counts, revisions, events and all),
since making them one call at a time would take hours. Where the collections of a workload begin is in `Landmarks`.

What the thin comparator writes lives in the same table `entries`, so that it meets the same keys, indexes and rows: its
collections have the numbers of ours plus `THIN`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, LiteralString, cast

import psycopg

from bench import label_data, release_data
from bench.label_data import CURATOR, LABELERS, Labels
from bench.release_data import REGISTRY_READER, REGISTRY_WRITER, Releases
from bench.sizes import Sizes
from pinakes.server.people.secrets import digest

THIN = 1_000_000_000
READER = "reader"
OWNER = "owner"
LABS = ("lab-north", "lab-south", "lab-east", "lab-west")
# The first order key there is, as a number (see collections/ordering.py).
FIRST = 1 << 47

PEOPLE = """
insert into accounts (kind, name) select 'user', n from unnest(%(names)s::text []) as n;
"""

TOKENS = """
insert into tokens (user_id, name, digest, hint, scope, last_used_at)
select a.id, 'bench', t.digest, '…', 'write', now()
from unnest(%(names)s::text [], %(digests)s::bytea []) as t (name, digest)
inner join accounts as a on a.name = t.name;
"""

ITEMS = """
insert into items (kind, owner_id, name, name_key, title, created_at, updated_at)
select
    case when n %% 10 <= 5 then 'model' when n %% 10 <= 8 then 'dataset' else 'space' end,
    (%(labs)s::integer [])[n %% 4 + 1],
    'net-' || n, 'net-' || n, '', now() - n * interval '1 second', now() - n * interval '1 second'
from generate_series(1, %(items)s) as n;
"""

REPOS = """
insert into repos (item_id, sdk, pipeline_tag, library_name, tags, downloads, last_modified)
select
    i.id, case when i.kind = 'space' then 'gradio' end,
    case when i.kind = 'model' then (array['text-generation', 'image-classification', 'fill-mask'])[i.id %% 3 + 1] end,
    case when i.kind = 'model' then 'transformers' end,
    array['license:apache-2.0'], (i.id::bigint * 7919) %% 100000, i.updated_at
from items as i
where i.id between %(first)s and %(first)s + 1100000 and i.kind in ('model', 'dataset', 'space');
"""

SHOWCASES = """
with made as (
    insert into items (kind, owner_id, name, name_key, title, place)
    select
        'collection', (%(owners)s::integer [])[n %% cardinality(%(owners)s::integer []) + 1],
        'what-we-read-and-built-number-' || n, 'What we read and built, number ' || n,
        'What we read and built, number ' || n, substring(int8send(%(key)s::bigint + n) from 3)
    from generate_series(0, %(collections)s - 1) as n
    returning id
),

numbered as (select id, row_number() over (order by id) - 1 as n from made)

insert into collections (id, kind, public_id, description, tags, revision, entry_count, updated_at)
select
    id, 'showcase', substring(md5('showcase ' || n) from 1 for 24),
    'Models and data that the group used for its work on problem number ' || n || ', with notes.',
    array['topic-' || n %% 100, 'year-' || 2020 + n %% 7], 2, %(entries)s, now() - n * interval '1 minute'
from numbered;
"""

# Papers, references to elsewhere, and votes: a few of each, so that plans are made as where people have been at work.
OTHERS = """
with made as (
    insert into items (kind, name, name_key, title)
    select 'paper', a.id, a.id, 'On the number ' || s.n
    from generate_series(1, %(others)s) as s (n)
    cross join lateral (select 2401 + s.n / 100000 || '.' || lpad((s.n %% 100000)::text, 5, '0') as id) as a
    returning id
)
insert into papers (item_id, published_at) select id, now() from made;

with made as (
    insert into items (kind, owner_id, name, name_key)
    select 'reference', (%(labs)s::integer [])[n %% 4 + 1], 'seen-' || n, 'seen-' || n
    from generate_series(1, %(others)s) as n
    returning id
)
insert into external_references (item_id, target_kind, url)
select id, 'dataset', 'https://example.org/' || id from made;
"""

VOTES = """
insert into votes (item_id, user_id)
select i.id, a.id
from items as i
inner join accounts as a on (i.id + a.id) %% 37 = 0
where a.kind = 'user' and (i.id between %(first)s and %(first)s + %(popular)s or i.kind = 'collection');

insert into vote_counts (item_id, votes)
select coalesce(v.item_id, r.item_id), count(v.user_id)
from votes as v full join repos as r on v.item_id = r.item_id
group by 1;
"""

# A step that has no divisor in common with their number goes through all of them before it comes to one again.
SHOWCASE_ENTRIES = """
insert into entries (collection_id, item_id, order_key, since_rev, added_rev, added_by, note)
select
    c.id, %(first)s + (c.id::bigint * 7919 + e * 104729) %% %(popular)s,
    substring(int8send(%(key)s::bigint + e) from 3), 2, 2, i.owner_id,
    case when e %% 5 = 0 then 'The *baseline* of section ' || e || ': see the appendix for its settings.' end
from collections as c
inner join items as i on c.id = i.id
cross join generate_series(0, %(entries)s - 1) as e
where c.entry_count = %(entries)s and c.revision = 2;
"""

SHOWCASE_EVENTS = """
insert into events (verb, actor_id, api, item_id, collection_id, revision, after)
select 'collection.created', i.owner_id, 'native', i.id, i.id, 1, jsonb_build_object('title', i.title)
from collections as c inner join items as i on c.id = i.id where c.revision = 2;

insert into events (verb, actor_id, api, collection_id, revision, after)
select 'entry.added', i.owner_id, 'native', i.id, 2, jsonb_build_object(
    'count', c.entry_count,
    'entries', (select jsonb_agg(jsonb_build_object('item', e.item_id)) from entries as e where e.collection_id = c.id)
)
from collections as c inner join items as i on c.id = i.id where c.revision = 2;
"""

LARGE = """
with made as (
    insert into items (kind, owner_id, name, name_key, title, place)
    values ('collection', %(owner)s, %(title)s, %(title)s, %(title)s, substring(int8send(%(key)s::bigint) from 3))
    returning id
)

insert into collections (id, kind, public_id, revision, entry_count, updated_at)
select id, 'showcase', substring(md5(%(title)s) from 1 for 24), 2, %(count)s, now() - interval '1 year' from made
returning id;
"""

LARGE_ENTRIES = """
insert into entries (collection_id, item_id, order_key, since_rev, added_rev, added_by)
select
    %(id)s, %(first)s + (e::bigint * %(step)s) %% %(count)s, substring(int8send(%(key)s::bigint + e) from 3),
    2, 2, %(owner)s
from generate_series(0, %(count)s - 1) as e;
"""

LARGE_EVENTS = """
insert into events (verb, actor_id, api, collection_id, revision, after)
select v.verb, %(owner)s, 'native', %(id)s, v.revision, v.after
from (values
    ('collection.created', 1, '{"title": "large"}'::jsonb),
    ('entry.added', 2, jsonb_build_object('count', %(count)s, 'entries', '[]'::jsonb))
) as v (verb, revision, after);
"""

# One collection whose thousand entries came one by one: it has a history to read.
ONE_BY_ONE = """
update entries as e set since_rev = n.rev, added_rev = n.rev
from (
    select item_id, 1 + row_number() over (order by order_key) as rev from entries where collection_id = %(id)s
) as n
where e.collection_id = %(id)s and e.item_id = n.item_id;

update collections set revision = 1 + %(count)s where id = %(id)s;

insert into events (verb, actor_id, api, collection_id, revision, after)
select 'entry.added', %(owner)s, 'native', %(id)s, e.since_rev, jsonb_build_object(
    'count', 1, 'entries', jsonb_build_array(jsonb_build_object('item', e.item_id))
)
from entries as e where e.collection_id = %(id)s order by e.since_rev;
"""

THIN_COPY = """
insert into entries (collection_id, item_id, order_key, since_rev, added_rev, added_by, note)
select e.collection_id + %(thin)s, e.item_id, e.order_key, e.since_rev, e.added_rev, e.added_by, e.note
from entries as e where e.collection_id = any(%(ids)s);
"""

SLOW_INDEXES = """
select indexrelid::regclass::text, pg_get_indexdef(indexrelid)
from pg_index
where indrelid = any(array['items', 'repos', 'entries', 'collections', 'media']::regclass [])
and not indisprimary and not indisunique;
"""


@dataclass(frozen=True, slots=True)
class Large:
    """A large collection: its number, its public id, how many entries it has."""

    id: int
    public_id: str
    count: int


@dataclass(frozen=True, slots=True)
class Landmarks:
    """Where things are."""

    first_item: int
    first_showcase: int
    showcases: list[str]
    owners: list[str]
    large: dict[str, Large]
    releases: Releases
    labels: Labels

    def owner_of(self, showcase: int) -> str:
        """The name of the owner of a small showcase."""
        return self.owners[showcase % len(self.owners)]


def token_of(name: str) -> str:
    """The token of one of the people here."""
    return f"pinakes_bench_{name}_{'0' * 24}".replace("-", "_")


def load(url: str, sizes: Sizes) -> None:
    """Fill a migrated database."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("set synchronous_commit = off")
        connection.execute("set maintenance_work_mem = '512MB'")
        _Loader(connection, sizes).run()


def landmarks(url: str) -> Landmarks:
    """Look up where things are in a filled database."""
    with psycopg.connect(url, autocommit=True) as connection:

        def rows(statement: LiteralString) -> list[tuple[Any, ...]]:
            return connection.execute(statement).fetchall()

        found = rows(
            "select i.title, c.id, c.public_id, c.entry_count from collections as c"
            " inner join items as i on c.id = i.id where i.title like 'large %'"
        )
        showcases = rows(
            "select c.id, c.public_id from collections as c inner join items as i on c.id = i.id"
            " where i.name like 'what-we-read-and-built-number-%' order by c.id"
        )
        return Landmarks(
            rows("select min(id) from items")[0][0],
            showcases[0][0],
            [row[1] for row in showcases],
            [row[0] for row in rows("select name from accounts where name like 'owner-%' order by id")],
            {title.removeprefix("large "): Large(*facts) for title, *facts in found},
            release_data.find(rows),
            label_data.find(rows),
        )


class _Loader:
    """Fills a database, step by step, saying what it does."""

    def __init__(self, connection: psycopg.Connection[Any], sizes: Sizes) -> None:
        self.connection = connection
        self.sizes = sizes
        self.owners = [f"{OWNER}-{n:03}" for n in range(sizes.owners)]
        self.first = 0

    def run(self) -> None:
        """Do it all."""
        indexes = self._drop_indexes()
        people = self._people()
        labs = [people[name] for name in LABS]
        self._say("items", ITEMS, labs=labs, items=self.sizes.items)
        self.first = self._one("select min(id) from items")
        self._say("repos", REPOS, first=self.first)
        self._say("other things", OTHERS, labs=labs, others=self.sizes.items // 100)
        owners = [people[name] for name in self.owners]
        small = {"key": FIRST, "entries": self.sizes.entries}
        self._say("showcases", SHOWCASES, owners=owners, collections=self.sizes.collections, **small)
        self._say("their entries", SHOWCASE_ENTRIES, first=self.first, popular=self.sizes.popular, **small)
        self._say("their history", SHOWCASE_EVENTS)
        self._all_large(owners[0])
        self._say("votes", VOTES, first=self.first, popular=self.sizes.popular)
        self._thin()
        # Without statistics the planner takes the tables that were just filled for empty, and joins millions in loops.
        self._say("statistics of what is there", "analyze items, collections, entries")
        release_data.load(self._say, releases=self.sizes.collections, long=self.sizes.versions, key=FIRST)
        self._labels(people[CURATOR])
        for name, definition in indexes:
            self._say(f"index {name}", definition)
        self._say("statistics", "vacuum (analyze, parallel 0)")
        self._say("checkpoint", "checkpoint")

    def _people(self) -> dict[str, int]:
        names = [READER, REGISTRY_READER, REGISTRY_WRITER, CURATOR, *LABELERS, *LABS, *self.owners]
        self._say("people", PEOPLE, names=names)
        self._say("tokens", TOKENS, names=names, digests=[digest(token_of(name)) for name in names])
        return dict(self.connection.execute("select name, id from accounts").fetchall())

    def _all_large(self, owner: int) -> None:
        sizes = self.sizes
        thousand = self._large("thousand", owner, sizes.thousand)
        self._say("its history", "delete from events where collection_id = %(id)s and revision = 2", id=thousand)
        self._run(ONE_BY_ONE, id=thousand, owner=owner, count=sizes.thousand)
        for name in ("left", "moved", "removed", "restored"):
            self._large(name, owner, sizes.million)
        self._large("right", owner, sizes.million, skip=sizes.apart)
        if sizes.ten_million:
            self._large("ten", owner, sizes.ten_million)

    def _large(self, name: str, owner: int, count: int, *, skip: int = 0) -> int:
        title = f"large {name}"
        self._say(title, LARGE, owner=owner, title=title, count=count, key=FIRST - 100)
        return self._fill(title, owner, count, self.first + skip)

    def _fill(self, title: str, owner: int, count: int, first: int) -> int:
        """Put so many items, from this one on, into the collection that was just made."""
        made = self._one("select id from items where title = %(title)s", title=title)
        # 7,919 is prime, and no divisor of any of our sizes: the entries are in no order that the items are in.
        values = {"id": made, "owner": owner, "count": count}
        self._say("its entries", LARGE_ENTRIES, first=first, step=7919, key=FIRST, **values)
        self._run(LARGE_EVENTS, **values)
        return made

    def _labels(self, curator: int) -> None:
        label_data.load(self._say, self.sizes, READER)
        self._say("statistics of pictures", "analyze items, media")
        first = self._one("select min(item_id) from media")
        for name, (count, skip) in label_data.selections(self.sizes).items():
            title = label_data.PICKED + name
            self._say(title, label_data.SELECTION, title=title, count=count, key=FIRST - 100)
            self._fill(title, curator, count, first + skip)
        moved = self._one("select id from items where title = %(title)s", title=f"{label_data.PICKED}moved")
        self._say("the comparator's copy of a selection", THIN_COPY, thin=THIN, ids=[moved])
        label_data.load_queues(self._say)

    def _thin(self) -> None:
        query = "select array_agg(c.id) from collections as c inner join items as i on c.id = i.id where {}"
        small = self._one(query.format("c.tags <> '{}'"))
        self._say("the comparator's copy", THIN_COPY, thin=THIN, ids=small)
        for name in ("moved", "removed"):
            large = self._one(query.format(f"i.title = 'large {name}'"))
            self._say("the comparator's large copy", THIN_COPY, thin=THIN, ids=large)

    def _drop_indexes(self) -> list[tuple[str, str]]:
        """Take away the indexes that are made faster once the rows are there; return how to make them again."""
        found = self.connection.execute(SLOW_INDEXES).fetchall()
        for name, _ in found:
            self._run(f"drop index {name}")
        return found

    def _say(self, what: str, statement: str, **values: object) -> None:
        began = time.perf_counter()
        self._run(statement, **values)
        took = time.perf_counter() - began
        if took > 1:
            print(f"  loaded {what}: {took:.1f} s", flush=True)

    def _run(self, statements: str, **values: object) -> None:
        for statement in statements.split(";\n"):
            if statement.strip():
                self.connection.execute(cast("LiteralString", statement), values or None)

    def _one(self, statement: str, **values: object) -> Any:  # noqa: ANN401 - the column's type is the query's
        row = self.connection.execute(cast("LiteralString", statement), values or None).fetchone()
        assert row is not None
        return row[0]
