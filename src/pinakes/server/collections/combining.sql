-- name: ordered_items
-- The items of a collection in order, whoever sees them, as one binary string of four bytes each.
select coalesce(string_agg(int4send(e.item_id), ''::bytea order by e.order_key), ''::bytea)
from entries as e
where e.collection_id = %(id)s::integer;

-- name: containers_of
-- Some collections, and the projects that they are in.
select i.id, i.container_id from items as i where i.id = any(%(ids)s::integer []);

-- name: take_over
-- Put some of the items of a collection into another, in their order behind so many that are there, with their notes and
-- scores; those that may not enter are passed over.
insert into entries (
    collection_id, item_id, order_key, since_rev, added_rev, added_by, added_at, closed, score, note
)
select
    %(id)s::integer, s.item_id,
    substring(int8send((1::bigint << 47) + %(behind)s::bigint + row_number() over (order by s.order_key) - 1) from 3),
    %(revision)s::integer, %(revision)s::integer, %(by)s::integer, clock_timestamp(),
    i.closed and %(closing_items)s::boolean, s.score, s.note
from unnest(%(items)s::integer []) as w (item_id)
inner join entries as s on s.collection_id = %(source)s::integer and w.item_id = s.item_id
cross join lateral (select t.* from items as t where t.id = w.item_id offset 0) as i
where i.deleted_at is null and i.kind = any(%(kinds)s::text [])
and (%(container_id)s::integer is null or i.container_id = %(container_id)s::integer);

-- name: make_live
-- Let a collection follow others.
insert into live_collections (collection_id, source, created_by)
values (%(id)s::integer, %(source)s::jsonb, %(by)s::integer);

-- name: hold_sources
-- Let nobody else change what live collections are made of until the transaction ends, so that two changes make no circle.
select pg_advisory_xact_lock(1005, 0);

-- name: set_sources
-- What a live collection is made of, instead of what it was made of.
with gone as (
    delete from live_sources
    where collection_id = %(id)s::integer and source_id <> all(%(sources)s::integer [])
)

insert into live_sources (collection_id, source_id)
select %(id)s::integer, n.source_id from unnest(%(sources)s::integer []) as n (source_id)
on conflict do nothing;

-- name: made_of
-- Whether any of these collections is one, or is made of it however indirectly.
with recursive below as (
    select n.id from unnest(%(sources)s::integer []) as n (id)
    union
    select s.source_id from live_sources as s inner join below as b on s.collection_id = b.id
)

select exists (select 1 from below as b where b.id = %(id)s::integer);
