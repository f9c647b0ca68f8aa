-- name: kept -> Kept
-- What is kept of a live collection.
select
    l.collection_id, l.query, l.sort, l.source, l.revision, l.refreshed_at, l.failed, a.name as created_by, l.created_at
from live_collections as l
left join accounts as a on l.created_by = a.id
where l.collection_id = %(id)s::integer;

-- name: is_stale
-- Whether a collection is live and not in the trash, was brought up to date longer ago than a reader takes for now, and can be written here.
select
    (l.refreshed_at is null or l.refreshed_at < clock_timestamp() - %(age)s::double precision * interval '1 second')
    and current_setting('transaction_read_only') = 'off'
from live_collections as l
inner join items as i on l.collection_id = i.id
where l.collection_id = %(id)s::integer and i.deleted_at is null;

-- name: begin_live
-- Make a collection live; nothing happens where it is. What is in it was put in by hand.
with begun as (
    insert into live_collections (collection_id, query, sort, source, created_by)
    values (%(id)s::integer, %(query)s::text, %(sort)s::text, %(source)s::jsonb, %(by)s::integer)
    on conflict do nothing
    returning collection_id
),

pinned as (
    insert into live_exceptions (collection_id, item_id, pinned, made_by)
    select b.collection_id, e.item_id, true, %(by)s::integer
    from begun as b
    inner join entries as e on b.collection_id = e.collection_id
)

select count(*)::integer from begun;

-- name: set_query
-- Another query, order or source.
update live_collections
set query = %(query)s::text, sort = %(sort)s::text, source = %(source)s::jsonb, refreshed_at = null
where collection_id = %(id)s::integer;

-- name: end_live
-- Let a collection be an ordinary one.
delete from live_collections where collection_id = %(id)s::integer;

-- name: mark_refreshed
-- A live collection was brought up to date, or why it could not be.
update live_collections
set refreshed_at = clock_timestamp(), failed = %(failed)s::text,
    revision = coalesce(%(revision)s::integer, revision)
where collection_id = %(id)s::integer;

-- name: try_items_lock
-- Keep items from closing while some are added, unless somebody is about to close some.
select pg_try_advisory_xact_lock_shared(1001, 0);

-- name: try_hold
-- Lock a collection for a change, unless somebody else has it.
select c.id from collections as c where c.id = %(id)s::integer for no key update skip locked;

-- name: adopt
-- Take what people put in since a revision for pinned, and what they took out for banned; not what left because it was
-- removed from where it lives, which the same transaction recorded.
with added as (
    insert into live_exceptions (collection_id, item_id, pinned, made_by)
    select e.collection_id, e.item_id, true, e.added_by
    from entries as e
    where e.collection_id = %(id)s::integer and e.since_rev > %(since)s::integer and e.added_rev > %(since)s::integer
    and e.added_by is not null
    on conflict (collection_id, item_id) do update set pinned = true, made_by = excluded.made_by, made_at = now()
    where not live_exceptions.pinned
)

insert into live_exceptions (collection_id, item_id, pinned, made_by, reason)
select distinct on (h.item_id) h.collection_id, h.item_id, false, v.actor_id, v.reason
from events as v
inner join entry_history as h on v.collection_id = h.collection_id and v.revision = h.until_rev
where v.collection_id = %(id)s::integer and v.verb = 'entry.removed' and v.revision > %(since)s::integer
and not exists (select from events as m where m.txid = v.txid and m.collection_id is null)
and not exists (select from entries as e where e.collection_id = h.collection_id and e.item_id = h.item_id)
order by h.item_id, v.revision desc
on conflict (collection_id, item_id) do update
set pinned = false, made_by = excluded.made_by, made_at = now(), reason = excluded.reason
where live_exceptions.pinned;

-- name: exceptions -> Exemption
-- The exceptions of a live collection: the pinned ones in the order of their entries, then of their making.
select x.item_id, x.pinned
from live_exceptions as x
left join entries as e on x.item_id = e.item_id and x.collection_id = e.collection_id
where x.collection_id = %(id)s::integer
order by e.order_key nulls last, x.made_at, x.item_id;

-- name: exempt -> Exempt
-- The exceptions of a live collection as a reader sees them, the pinned ones in order.
select
    x.item_id, x.pinned, f.kind, f.owner, f.name, f.title, f.nested_id, e.note, x.reason, a.name as made_by, x.made_at
from live_exceptions as x
inner join item_faces as f on x.item_id = f.item_id
left join entries as e on x.item_id = e.item_id and x.collection_id = e.collection_id
left join accounts as a on x.made_by = a.id
where x.collection_id = %(id)s::integer and f.deleted_at is null
and readable(f.visibility, f.owner_id, %(everything)s, %(accounts)s::integer [])
order by e.order_key nulls last, x.made_at, x.item_id;

-- name: exempt_items
-- Pin or ban items. Those that are so already stay as they are. Returns the ones that were not.
insert into live_exceptions as x (collection_id, item_id, pinned, reason, made_by, made_at)
select %(id)s::integer, n.item_id, %(pinned)s::boolean, %(reason)s::text, %(by)s::integer, clock_timestamp()
from unnest(%(items)s::integer []) with ordinality as n (item_id, place)
order by n.place
on conflict (collection_id, item_id) do update
set pinned = excluded.pinned, reason = excluded.reason, made_by = excluded.made_by, made_at = excluded.made_at
where x.pinned <> excluded.pinned
returning x.item_id;

-- name: no_longer_exempt
-- Take back that items are pinned or banned; returns those that were.
delete from live_exceptions
where collection_id = %(id)s::integer and item_id = any(%(items)s::integer []) and pinned = %(pinned)s::boolean
returning item_id;

-- name: standings -> Standings
-- The entries of a collection in their order.
select
    coalesce(array_agg(e.item_id order by e.order_key), '{}') as items,
    coalesce(array_agg(e.order_key order by e.order_key), '{}') as keys
from entries as e
where e.collection_id = %(id)s::integer;

-- name: in_order
-- The items of a collection in their order, as one binary string of four bytes each.
select coalesce(string_agg(int4send(e.item_id), ''::bytea order by e.order_key), ''::bytea)
from entries as e
where e.collection_id = %(id)s::integer;

-- name: annotate
-- Other notes for some entries; the former ones go into the history. Returns the items whose note is another, with those.
with wanted as materialized (
    select e.collection_id, e.item_id, nullif(n.note, '') as note, e.note as former
    from unnest(%(items)s::integer [], %(notes)s::text []) as n (item_id, note)
    inner join entries as e on e.collection_id = %(id)s::integer and n.item_id = e.item_id
    where e.note is distinct from nullif(n.note, '')
),

kept as (
    insert into entry_history (
        collection_id, item_id, order_key, since_rev, until_rev, added_rev, added_by, added_at, score, note
    )
    select
        e.collection_id, e.item_id, e.order_key, e.since_rev, %(revision)s::integer, e.added_rev, e.added_by, e.added_at,
        e.score, e.note
    from entries as e
    inner join wanted as w on e.collection_id = w.collection_id and e.item_id = w.item_id
    where e.since_rev < %(revision)s::integer
)

update entries as e
set note = w.note, since_rev = %(revision)s::integer
from wanted as w
where e.collection_id = w.collection_id and e.item_id = w.item_id
returning e.item_id, w.former;
