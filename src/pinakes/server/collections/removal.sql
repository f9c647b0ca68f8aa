-- name: media_among -> MediaRow
-- Those of some items that are media and that a reader sees, in the order of their numbers, locked.
select i.id, m.project_id, m.dataset_id
from items as i
inner join media as m on i.id = m.item_id
where i.id = any(%(items)s::integer []) and i.deleted_at is null
and i.kind in ('image', 'video', 'point_cloud', 'volume')
and readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s::integer [])
order by i.id
for no key update of i;

-- name: worked_on
-- Those of some items that are media which somebody works on, or worked on, and so sees.
select i.id
from items as i
where i.id = any(%(items)s::integer []) and i.deleted_at is null
and i.kind in ('image', 'video', 'point_cloud', 'volume')
and i.owner_id = any(%(at_work)s::integer []) and at_work_on(i.id, %(worker)s::integer)
order by i.id;

-- name: trashed_among -> MediaRow
-- Those of some items that are media in the trash of a reader, in the order of their numbers, locked.
select i.id, m.project_id, m.dataset_id
from items as i
inner join media as m on i.id = m.item_id
where i.id = any(%(items)s::integer []) and i.deleted_at is not null
and i.kind in ('image', 'video', 'point_cloud', 'volume')
and readable('private', i.owner_id, %(everything)s, %(accounts)s::integer [])
order by i.id
for update of i;

-- name: projects_among -> ProjectOf
-- Some projects, kept from being deleted until the transaction ends.
select i.id, i.owner_id, i.visibility, p.data_type
from items as i
inner join projects as p on i.id = p.item_id
where i.id = any(%(projects)s::integer []) and i.deleted_at is null
order by i.id
for key share of i;

-- name: hold_holding
-- The selections that hold any of these items, locked in the order of their numbers.
select c.id
from collections as c
where c.kind = 'selection' and c.id in (
    select e.collection_id
    from unnest(%(items)s::integer []) as w (item_id)
    inner join entries as e on w.item_id = e.item_id
)
order by c.id
for no key update;

-- name: empty_of
-- Take removed items out of the selections that hold them, which the caller has locked: what their entries were goes into
-- the history, and each selection gets its next revision and the record of it. Returns how many selections that are.
with gone as (
    delete from entries as e
    using unnest(%(items)s::integer []) as w (item_id)
    where e.item_id = w.item_id and e.collection_id = any(%(collections)s::integer [])
    returning e.*
),

kept as (
    insert into entry_history (
        collection_id, item_id, order_key, since_rev, until_rev, added_rev, added_by, added_at, score, note
    )
    select
        g.collection_id, g.item_id, g.order_key, g.since_rev, c.revision + 1, g.added_rev, g.added_by, g.added_at,
        g.score, g.note
    from gone as g
    inner join collections as c on g.collection_id = c.id
),

ranked as (
    select
        g.collection_id, g.item_id, g.order_key,
        row_number() over (partition by g.collection_id order by g.order_key) as at
    from gone as g
),

told as (
    select
        r.collection_id, count(*)::integer as count,
        jsonb_agg(jsonb_build_object('item', r.item_id) order by r.order_key)
        filter (where r.at <= %(named)s::integer) as entries
    from ranked as r
    group by r.collection_id
),

closed as materialized (
    select close_change(
        t.collection_id, c.revision + 1, -t.count, 'entry.removed', %(actor_id)s::integer, %(token_id)s::integer,
        %(api)s::text, %(request_id)s::text, null, jsonb_build_object('count', t.count, 'entries', t.entries), null,
        coalesce(%(reason)s::text, 'removed from its dataset')
    )
    from told as t
    inner join collections as c on t.collection_id = c.id
)

select count(*)::integer from closed;

-- name: datasets_gone
-- Whether any of these datasets was deleted, or its project.
select exists (
    select 1
    from datasets as d
    inner join items as i on d.project_id = i.id
    where d.id = any(%(datasets)s::integer []) and (d.deleted_at is not null or i.deleted_at is not null)
);

-- name: clashing
-- Deleted items whose names others have taken meanwhile, and who has them.
select i.name, t.id
from items as i
inner join items as t on t.kind = i.kind and t.owner_id is not distinct from i.owner_id
and t.container_id is not distinct from i.container_id and t.name_key = i.name_key and t.deleted_at is null
where i.id = any(%(items)s::integer []) and i.deleted_at is not null
order by i.id
limit 100;
