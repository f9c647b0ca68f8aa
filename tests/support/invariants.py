"""What must be true of every database of ours at every moment, whatever was interrupted: checked by looking.

`broken(url)` returns a sentence for each rule that rows break, with examples; `check(url)` raises with them. All is
read in one snapshot, so other people's changes meanwhile do no harm, and from the tables themselves, so that an index
which lost something does not hide it.
"""

from __future__ import annotations

from typing import Any, LiteralString

import psycopg
from pyroaring import BitMap

_EXAMPLES = 5

# Each query finds what breaks the rule that is its name.
RULES: dict[str, LiteralString] = {
    "a collection counts as many entries as it has": """
        select c.id, c.entry_count, coalesce(e.entries, 0) as there
        from collections as c
        left join (select collection_id, count(*) as entries from entries group by 1) as e on c.id = e.collection_id
        where c.entry_count <> coalesce(e.entries, 0)
    """,
    "an item is in a collection once": """
        select collection_id, item_id, count(*) from entries group by 1, 2 having count(*) > 1
    """,
    "no two entries of a collection have one place": """
        select collection_id, order_key, count(*) from entries group by 1, 2 having count(*) > 1
    """,
    "an entry belongs to a collection and an item that are there, and to revisions that are": """
        select e.collection_id, e.item_id, e.added_rev, e.since_rev, c.revision
        from entries as e
        left join collections as c on e.collection_id = c.id
        left join items as i on e.item_id = i.id
        where c.id is null or i.id is null or not (1 <= e.added_rev and e.added_rev <= e.since_rev)
        or e.since_rev > c.revision
    """,
    "an entry is closed when its item is, but never where what the collection shows is seen by all who see it": """
        select e.collection_id, e.item_id, e.closed, i.closed
        from entries as e
        inner join items as i on e.item_id = i.id
        inner join collections as c on e.collection_id = c.id
        where e.closed <> (i.closed and c.kind not in ('artifact', 'release', 'selection'))
    """,
    "every revision of a collection has one event (of numbered ones: some), and no event is of another revision": """
        select c.id, c.kind, c.revision, count(e.id), count(distinct e.revision), min(e.revision), max(e.revision)
        from collections as c
        left join events as e on c.id = e.collection_id and e.revision is not null
        group by c.id, c.kind, c.revision
        having (count(e.id) <> c.revision and c.kind not in ('artifact', 'release'))
        or count(distinct e.revision) <> c.revision or min(e.revision) <> 1 or max(e.revision) <> c.revision
    """,
    "a collection's events come in the order of its revisions": """
        select collection_id, id, revision from (
            select v.collection_id, v.id, v.revision, c.kind,
                lag(v.revision) over (partition by v.collection_id order by v.id) as before
            from events as v inner join collections as c on v.collection_id = c.id where v.revision is not null
        ) as e
        where before > revision or (before = revision and kind not in ('artifact', 'release'))
    """,
    "a former form of an entry lies within the revisions of its collection": """
        select h.collection_id, h.item_id, h.added_rev, h.since_rev, h.until_rev, c.revision
        from entry_history as h
        left join collections as c on h.collection_id = c.id
        where c.id is null or not (1 <= h.added_rev and h.added_rev <= h.since_rev and h.since_rev < h.until_rev)
        or h.until_rev > c.revision
    """,
    "the forms of an entry, present and former, do not overlap": """
        select collection_id, item_id, since_rev, ended from (
            select
                collection_id, item_id, since_rev,
                lag(until_rev) over (partition by collection_id, item_id order by since_rev, until_rev) as ended
            from (
                select collection_id, item_id, since_rev, 2147483647 as until_rev from entries
                union all
                select collection_id, item_id, since_rev, until_rev from entry_history
            ) as f
        ) as g
        where since_rev < ended
    """,
    "at no revision did two entries of a collection have one place": """
        select collection_id, order_key, since_rev, ended from (
            select
                collection_id, order_key, since_rev,
                lag(until_rev) over (partition by collection_id, order_key order by since_rev, until_rev) as ended
            from (
                select collection_id, order_key, since_rev, 2147483647 as until_rev from entries
                union all
                select collection_id, order_key, since_rev, until_rev from entry_history
            ) as f
        ) as g
        where since_rev < ended
    """,
    "a former form of a collection's fields is of one of its revisions": """
        select h.collection_id, h.until_rev, c.revision
        from collection_history as h
        inner join collections as c on h.collection_id = c.id
        where not (1 < h.until_rev and h.until_rev <= c.revision)
    """,
    "a named revision is one that the collection has": """
        select n.collection_id, n.name, n.revision, c.revision
        from revision_names as n
        inner join collections as c on n.collection_id = c.id
        where not (1 <= n.revision and n.revision <= c.revision)
    """,
    "a collection is an item of the kind collection; one that is not deleted is a collection": """
        select i.id, i.kind, c.id
        from items as i
        full join collections as c on i.id = c.id
        where i.id is null or (c.id is not null and i.kind <> 'collection')
        or (i.kind = 'collection' and c.id is null and i.deleted_at is null)
    """,
    "no two live items have one name": """
        select kind, owner_id, container_id, name_key, count(*)
        from items where deleted_at is null group by 1, 2, 3, 4 having count(*) > 1
    """,
    "the content of a committed version's files is written down": """
        select f.version_id, f.path, a.owner_id, encode(f.md5, 'hex')
        from version_files as f
        inner join versions as v on f.version_id = v.id
        inner join items as a on v.artifact_id = a.id
        left join blobs as b on a.owner_id = b.account_id and f.md5 = b.md5
        where v.state = 'committed' and f.md5 is not null and b.md5 is null
    """,
    "a version has all that its state says: committed or deleted an item and a number, while pending neither": """
        select v.id, v.state, v.item_id, v.number, i.id, n.number
        from versions as v
        left join items as i on v.item_id = i.id and i.kind = 'version'
        left join entry_numbers as n on v.artifact_id = n.collection_id and v.item_id = n.item_id
        where (v.state = 'pending') <> (v.item_id is null) or (v.state = 'pending') <> (v.number is null)
        or (v.state <> 'pending' and (i.id is null or v.number is distinct from n.number))
    """,
    "a committed version is in its artifact, and one that is deleted is not": """
        select v.id, v.state, v.artifact_id, v.item_id, e.item_id
        from versions as v
        inner join items as a on v.artifact_id = a.id
        left join entries as e on v.artifact_id = e.collection_id and v.item_id = e.item_id
        where a.deleted_at is null and v.state in ('committed', 'deleted')
        and (v.state = 'committed') <> (e.item_id is not null)
    """,
    "a committed version has as many files, and as large ones, as it says": """
        select v.id, v.file_count, v.size, count(f.version_id), coalesce(sum(f.size), 0)
        from versions as v left join version_files as f on v.id = f.version_id
        group by v.id, v.state, v.file_count, v.size
        having (v.state = 'committed' and (v.file_count, v.size) <> (count(f.version_id), coalesce(sum(f.size), 0)))
        or (v.state = 'pending' and count(f.version_id) > 0)
    """,
    "a committed version has a manifest that arrived": """
        select v.id, v.artifact_id, m.id, b.md5 is not null
        from versions as v
        inner join items as a on v.artifact_id = a.id
        left join lateral (
            select id, md5 from manifests
            where version_id = v.id and md5 is not null
            order by type = 'full' desc, updated_at desc, id desc
            limit 1
        ) as m on true
        left join blobs as b on a.owner_id = b.account_id and m.md5 = b.md5
        where v.state = 'committed' and b.md5 is null
    """,
    "what is in an artifact or release has a number there": """
        select e.collection_id, e.item_id
        from entries as e
        inner join collections as c on e.collection_id = c.id and c.kind in ('artifact', 'release')
        left join entry_numbers as n on e.collection_id = n.collection_id and e.item_id = n.item_id
        where n.item_id is null
    """,
    "an alias names an entry that is there": """
        select l.collection_id, l.alias, l.item_id
        from entry_aliases as l
        left join entries as e on l.collection_id = e.collection_id and l.item_id = e.item_id
        where e.item_id is null
    """,
    "an artifact or release that has a version has a latest one": """
        select c.id, count(e.item_id)
        from collections as c
        inner join entries as e on c.id = e.collection_id
        inner join items as i on e.item_id = i.id and i.deleted_at is null
        where c.kind in ('artifact', 'release')
        and not exists (select from entry_aliases as l where l.collection_id = c.id and l.alias = 'latest')
        group by c.id
    """,
    "a run counts the lines that it has sent": """
        select r.id, r.history_count, r.event_count, r.log_count, l.stream, max(l.number)
        from runs as r
        inner join run_lines as l on r.id = l.run_id
        group by r.id, l.stream
        having max(l.number) >= case l.stream
            when 'history' then r.history_count when 'events' then r.event_count else r.log_count
        end
    """,
    "what a queue counts is its work": """
        select coalesce(w.queue_id, k.queue_id), coalesce(w.status, k.status), w.count as there, k.count as counted
        from (
            select queue_id, status, present, round = 1 as round_one, count(*) as count from work group by 1, 2, 3, 4
        ) as w
        full join (
            select queue_id, status, present, round_one, sum(count) as count from work_counts group by 1, 2, 3, 4
        ) as k on (w.queue_id, w.status, w.present, w.round_one) = (k.queue_id, k.status, k.present, k.round_one)
        where coalesce(w.count, 0) <> coalesce(k.count, 0)
    """,
    "work on an item is present while its item is in the collection that the queue is over": """
        select w.queue_id, w.item_id, w.status, w.present, e.item_id is not null
        from work as w
        inner join queues as q on w.queue_id = q.id and q.source = 'collection'
        inner join items as s on q.collection_id = s.id and s.deleted_at is null
        left join entries as e on s.id = e.collection_id and w.item_id = e.item_id
        where w.present <> (e.item_id is not null)
    """,
    "a dataset counts its items": """
        select d.id, d.item_count, count(i.id)
        from datasets as d
        left join media as m on d.id = m.dataset_id
        left join items as i on m.item_id = i.id and i.deleted_at is null
        where d.deleted_at is null
        group by d.id
        having d.item_count <> count(i.id)
    """,
    "votes are counted": """
        select coalesce(v.item_id, k.item_id), v.votes, k.votes
        from (select item_id, count(*) as votes from votes group by 1) as v
        full join vote_counts as k on v.item_id = k.item_id
        where coalesce(v.votes, 0) <> coalesce(k.votes, 0)
    """,
}

_ITEMS_AT: LiteralString = """
    select item_id from entries where collection_id = %(id)s and since_rev <= %(revision)s
    union
    select item_id from entry_history
    where collection_id = %(id)s and since_rev <= %(revision)s and until_rev > %(revision)s
"""


def broken(url: str) -> list[str]:
    """Return what is not as it must be in a database, in sentences; an empty list when all is well."""
    with psycopg.connect(url) as connection:
        connection.execute("set transaction isolation level repeatable read, read only")
        found = [_told(rule, rows) for rule, query in RULES.items() if (rows := _from_the_tables(connection, query))]
        return found + _broken_bitmaps(connection)


def check(url: str) -> None:
    """Raise when something in a database is not as it must be."""
    found = broken(url)
    assert not found, "\n".join(found)


def _from_the_tables(connection: psycopg.Connection[tuple[Any, ...]], query: LiteralString) -> list[tuple[Any, ...]]:
    for way in ("indexscan", "indexonlyscan", "bitmapscan"):
        connection.execute(f"set local enable_{way} = off".encode())
    return connection.execute(query).fetchall()


def _broken_bitmaps(connection: psycopg.Connection[tuple[Any, ...]]) -> list[str]:
    """Hold the kept sets against the entries of their revisions."""
    found: list[str] = []
    for id_, revision, items in connection.execute("select collection_id, revision, items from membership_bitmaps"):
        there = connection.execute(_ITEMS_AT, {"id": id_, "revision": revision}).fetchall()
        kept = BitMap.deserialize(items)
        if kept != BitMap([row[0] for row in there]):
            found.append(f"Broken: a kept set has the items of its revision: {id_} at {revision}, {len(kept)} items")
    return found


def _told(rule: str, rows: list[tuple[Any, ...]]) -> str:
    examples = "; ".join(str(row) for row in rows[:_EXAMPLES])
    return f"Broken: {rule}: {len(rows)} rows, such as {examples}"
