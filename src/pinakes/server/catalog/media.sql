-- name: media_ids
-- The numbers of a page of items of media in a scope, those that a reader sees, in an order; with what they are sorted by
-- where a page can begin behind it.
select m.item_id, coalesce(m.custom_sort, 'Infinity'::double precision) as custom_sort
from media as m
inner join items as i on m.item_id = i.id
where /* part: scope */ true
and i.deleted_at is null
and (%(ids)s::integer [] is null or m.item_id = any(%(ids)s::integer []))
and (%(names)s::text [] is null or i.name = any(%(names)s::text []))
and (%(kinds)s::text [] is null or i.kind = any(%(kinds)s::text []))
and (%(all_seen)s::boolean or at_work_on(m.item_id, %(worker)s::integer))
and /* part: after */ true
order by /* part: order */ m.item_id
limit %(limit)s::integer
offset %(offset)s::bigint;

-- name: count_media
-- How many items of media are in a scope, of those that a reader sees.
select count(*)
from media as m
inner join items as i on m.item_id = i.id
where /* part: scope */ true
and i.deleted_at is null
and (%(ids)s::integer [] is null or m.item_id = any(%(ids)s::integer []))
and (%(names)s::text [] is null or i.name = any(%(names)s::text []))
and (%(kinds)s::text [] is null or i.kind = any(%(kinds)s::text []))
and (%(all_seen)s::boolean or at_work_on(m.item_id, %(worker)s::integer));

-- name: kept_count
-- How many items datasets have, as it is kept.
select coalesce(sum(d.item_count), 0)::bigint
from datasets as d
where d.deleted_at is null
and (
    (%(project_id)s::integer is not null and d.project_id = %(project_id)s::integer)
    or d.id = any(%(dataset_ids)s::integer [])
);

-- name: media_by_ids -> Media
-- Items of media by their numbers, in that order; those that a reader sees.
select
    i.id, i.kind, i.owner_id, coalesce(p.workspace_id, w.id) as workspace_id, m.project_id, m.dataset_id, i.name,
    m.description, i.visibility, m.sha256, m.link, m.mime, m.size, m.width, m.height, m.frames, m.meta,
    m.custom_data, m.facts, m.custom_sort, m.parent_id,
    case
        when readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s::integer []) then m.label_count
        else labels_seen(m.item_id, m.label_count, %(worker)s::integer)
    end as label_count,
    m.labeled_at, m.has_thumbnail,
    m.created_by as created_by_id, b.name as created_by, i.created_at, i.updated_at
from unnest(%(ids)s::integer []) with ordinality as f (id, place)
inner join media as m on f.id = m.item_id
inner join items as i on m.item_id = i.id
inner join projects as p on m.project_id = p.item_id
inner join workspaces as w on i.owner_id = w.account_id and w.is_first
left join accounts as b on m.created_by = b.id and b.deleted_at is null
where i.deleted_at is null
and (
    readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s::integer [])
    or (i.owner_id = any(%(at_work)s::integer []) and at_work_on(i.id, %(worker)s::integer))
)
order by f.place;

-- name: hold_target -> Target
-- A dataset for whoever puts items into it: they come one after the other, and the project stays meanwhile.
select d.id, d.project_id, i.owner_id, i.visibility, p.data_type
from datasets as d
inner join items as i on d.project_id = i.id
inner join projects as p on i.id = p.item_id
where d.id = %(id)s::integer and d.deleted_at is null and i.deleted_at is null and p.data_type is not null
for no key update of d
for key share of i;

-- name: hold_media
-- Keep others from changing items until the transaction ends, in one order.
select i.id
from items as i
where i.id = any(%(ids)s::integer []) and i.deleted_at is null
order by i.id
for no key update;

-- name: hold_removed_media
-- The same with items in the trash.
select i.id
from items as i
where i.id = any(%(ids)s::integer []) and i.deleted_at is not null
order by i.id
for no key update;

-- name: known_in -> FileFacts
-- Which of many files an account knows, kept from being purged until the transaction ends.
select f.sha256, f.size, f.mime, coalesce(f.facts, '{}') as facts
from media_files as f
where f.account_id = %(account_id)s::integer and f.sha256 = any(%(hashes)s::bytea [])
order by f.sha256
for key share;

-- name: copy_sources -> Source
-- What items are copied from, those that a reader sees; whether he sees one only because he works on it.
select
    i.id, i.kind, i.owner_id, i.visibility,
    not readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s::integer []) as at_work, m.sha256, m.link,
    m.mime, m.size, m.width, m.height, m.frames, i.name, m.description, m.meta, m.custom_data, m.facts
from media as m
inner join items as i on m.item_id = i.id
where m.item_id = any(%(ids)s::integer []) and i.deleted_at is null
and (
    readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s::integer [])
    or (i.owner_id = any(%(at_work)s::integer []) and at_work_on(i.id, %(worker)s::integer))
);

-- name: media_in_the_way
-- The names of a dataset that are taken, each with the item that has it; but for some items.
select i.name, i.id
from items as i
where i.kind = %(kind)s::text and i.owner_id = %(owner_id)s::integer and i.container_id = %(project_id)s::integer
and i.name_key = any(%(name_keys)s::text []) and i.deleted_at is null and i.id <> all(%(but)s::integer [])
order by i.id;

-- name: create_media
-- New items of media, whose names were looked for before; returns their numbers in the order of the rows.
with given as (
    select r.*
    from jsonb_to_recordset(%(rows)s::jsonb) as r (
        place integer, name text, sha256 text, link text, mime text, size bigint, width integer, height integer,
        frames integer, description text, meta jsonb, custom_data jsonb, facts jsonb, parent_id integer,
        has_thumbnail boolean
    )
),

made as (
    insert into items (kind, owner_id, container_id, name, name_key, title, visibility)
    select
        %(kind)s::text, %(owner_id)s::integer, %(project_id)s::integer, g.name,
        %(dataset_id)s::integer || '/' || g.name, '', %(visibility)s::text
    from given as g
    order by g.place
    returning id, name
),

facts as (
    insert into media (
        item_id, project_id, dataset_id, sha256, link, mime, size, width, height, frames, description, meta,
        custom_data, facts, parent_id, has_thumbnail, created_by
    )
    select
        m.id, %(project_id)s::integer, %(dataset_id)s::integer, decode(g.sha256, 'hex'), g.link, g.mime, g.size,
        g.width, g.height, g.frames, g.description, g.meta, g.custom_data, g.facts, g.parent_id, g.has_thumbnail,
        %(created_by)s::integer
    from given as g
    inner join made as m on g.name = m.name
    order by g.place
    returning item_id
)

select m.id
from given as g
inner join made as m on g.name = m.name
inner join facts as f on m.id = f.item_id
order by g.place;

-- name: count_in
-- More, or fewer, items in a dataset, and the bytes of their files.
update datasets
set item_count = item_count + %(count)s::integer, size = size + %(size)s::bigint, updated_at = now()
where id = %(id)s::integer;

-- name: change_media
-- New values of items; null leaves one as it is.
with given as (
    select r.*
    from jsonb_to_recordset(%(rows)s::jsonb) as r (
        id integer, name text, description text, meta jsonb, custom_data jsonb
    )
),

facts as (
    update media as m
    set
        description = coalesce(g.description, m.description),
        meta = coalesce(g.meta, m.meta),
        custom_data = coalesce(g.custom_data, m.custom_data)
    from given as g
    where m.item_id = g.id
    returning m.item_id, m.dataset_id
)

update items as i
set
    name = coalesce(g.name, i.name),
    name_key = f.dataset_id || '/' || coalesce(g.name, i.name),
    updated_at = now()
from given as g
inner join facts as f on g.id = f.item_id
where i.id = g.id;

-- name: move_media
-- Put items into another dataset of their project, at its end; both datasets count them.
with moved as (
    update media as m
    set dataset_id = %(dataset_id)s::integer, custom_sort = null
    from media as was
    where m.item_id = any(%(ids)s::integer []) and was.item_id = m.item_id and m.dataset_id <> %(dataset_id)s::integer
    returning m.item_id, was.dataset_id as from_id, coalesce(m.size, 0) as size
),

renamed as (
    update items as i
    set name_key = %(dataset_id)s::integer || '/' || i.name, updated_at = now()
    from moved as v
    where i.id = v.item_id
),

objects as (
    update label_objects as o
    set dataset_id = %(dataset_id)s::integer
    from moved as v
    where o.item_id = v.item_id
),

sums as (
    select v.from_id as id, -count(*) as count, -sum(v.size) as size from moved as v group by v.from_id
    union all
    select %(dataset_id)s::integer, count(*), coalesce(sum(v.size), 0) from moved as v
)

update datasets as d
set item_count = d.item_count + s.count, size = d.size + s.size, updated_at = now()
from sums as s
where d.id = s.id;

-- name: place_media
-- Give items of media their places in a custom order; null takes one away.
update media as m
set custom_sort = g.place
from unnest(%(ids)s::integer [], %(places)s::double precision []) as g (id, place)
where m.item_id = g.id and m.custom_sort is distinct from g.place;

-- name: end_media -> Removed
-- Mark items of media as deleted, and count them out of their datasets.
with gone as (
    update items as i
    set deleted_at = now(), deleted_by = %(actor_id)s::integer, updated_at = now()
    from media as m
    where i.id = any(%(ids)s::integer []) and i.id = m.item_id and i.deleted_at is null
    returning i.id, i.kind, i.owner_id, m.project_id, m.dataset_id, i.visibility, coalesce(m.size, 0) as size
),

counted as (
    update datasets as d
    set item_count = d.item_count - s.count, size = d.size - s.size, updated_at = now()
    from (select g.dataset_id, count(*) as count, sum(g.size) as size from gone as g group by g.dataset_id) as s
    where d.id = s.dataset_id and d.deleted_at is null
)

select g.id, g.kind, g.owner_id, g.project_id, g.dataset_id, g.visibility from gone as g order by g.id;

-- name: bring_back_media -> Removed
-- Bring items of media back whose datasets are there, and count them in again.
with back as (
    update items as i
    set deleted_at = null, deleted_by = null, updated_at = now()
    from media as m
    inner join datasets as d on m.dataset_id = d.id and d.deleted_at is null
    where i.id = any(%(ids)s::integer []) and i.id = m.item_id and i.deleted_at is not null
    returning i.id, i.kind, i.owner_id, m.project_id, m.dataset_id, i.visibility, coalesce(m.size, 0) as size
),

counted as (
    update datasets as d
    set item_count = d.item_count + s.count, size = d.size + s.size, updated_at = now()
    from (select b.dataset_id, count(*) as count, sum(b.size) as size from back as b group by b.dataset_id) as s
    where d.id = s.dataset_id
)

select b.id, b.kind, b.owner_id, b.project_id, b.dataset_id, b.visibility from back as b order by b.id;

-- name: removed_media -> Removed
-- Items of media in the trash, whose project is not.
select i.id, i.kind, i.owner_id, m.project_id, m.dataset_id, i.visibility
from items as i
inner join media as m on i.id = m.item_id
inner join items as p on m.project_id = p.id
where i.id = any(%(ids)s::integer []) and i.deleted_at is not null and p.deleted_at is null
order by i.id;

-- name: names_wanted_back
-- Items that could not come back, for others have their names by now: name and number of those others.
select x.name, x.id
from items as i
inner join items as x
    on i.kind = x.kind and i.owner_id = x.owner_id and i.container_id = x.container_id and i.name_key = x.name_key
where i.id = any(%(ids)s::integer []) and i.deleted_at is not null and x.deleted_at is null
order by x.id;

-- name: add_volume_slices
-- Write slices of a volume down, as the client cut them; again is no error.
insert into volume_slices (item_id, normal, position, sha256)
select %(item_id)s::integer, g.normal, g.place, g.sha256
from unnest(%(normals)s::text [], %(positions)s::integer [], %(hashes)s::bytea []) as g (normal, place, sha256)
on conflict on constraint volume_slices_pkey do update set sha256 = excluded.sha256;

-- name: without_thumbnail -> Unmade
-- Which of many items have no thumbnail yet that could have one, with their files.
select i.id, i.kind, i.owner_id, m.sha256
from media as m
inner join items as i on m.item_id = i.id
where m.item_id = any(%(ids)s::integer []) and not m.has_thumbnail and m.sha256 is not null
and i.deleted_at is null
order by i.id;

-- name: have_thumbnail
-- All items of an account that are of some files have a thumbnail now.
-- Each item's owner is looked up: a join went through all that the account has, for each, while statistics were old.
update media as m
set has_thumbnail = true
where m.sha256 = any(%(hashes)s::bytea []) and not m.has_thumbnail
and (select i.owner_id from items as i where i.id = m.item_id) = %(account_id)s::integer;

-- name: trashed_media
-- Items that have been in the trash since before a moment, or whose project has.
select m.item_id
from items as i
inner join media as m on i.id = m.item_id
where i.deleted_at < %(before)s::timestamptz
order by m.item_id
limit %(limit)s::integer;

-- name: purge_media
-- Remove the facts and labels of items in the trash for good.
delete from media as m
using items as i
where m.item_id = any(%(ids)s::integer []) and m.item_id = i.id and i.deleted_at is not null;
