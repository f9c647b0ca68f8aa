-- name: dataset_ids
-- The numbers of a page of a project's datasets that a reader sees, in an order.
select d.id
from datasets as d
where d.project_id = %(project_id)s::integer and d.deleted_at is null
and (%(parent_id)s::integer is null or d.parent_id = %(parent_id)s::integer)
and (not %(top_only)s::boolean or d.parent_id is null)
and (%(ids)s::integer [] is null or d.id = any(%(ids)s::integer []))
and (%(names)s::text [] is null or d.name = any(%(names)s::text []))
and (
    %(all_seen)s::boolean
    or works_in_dataset(d.id, d.project_id, %(worker)s::integer)
)
order by /* part: order */ d.id
limit %(limit)s::integer
offset %(offset)s::bigint;

-- name: count_datasets
-- How many of them there are in all.
select count(*)
from datasets as d
where d.project_id = %(project_id)s::integer and d.deleted_at is null
and (%(parent_id)s::integer is null or d.parent_id = %(parent_id)s::integer)
and (not %(top_only)s::boolean or d.parent_id is null)
and (%(ids)s::integer [] is null or d.id = any(%(ids)s::integer []))
and (%(names)s::text [] is null or d.name = any(%(names)s::text []))
and (
    %(all_seen)s::boolean
    or works_in_dataset(d.id, d.project_id, %(worker)s::integer)
);

-- name: datasets -> Dataset
-- Datasets by their numbers, in that order; those that a reader sees, and who only works there with what he sees in them.
select
    d.id, d.project_id, i.owner_id, coalesce(p.workspace_id, w.id) as workspace_id, p.data_type, i.visibility,
    d.parent_id, d.name, d.description, d.custom_data, coalesce(o.item_count, d.item_count) as item_count,
    coalesce(o.size, d.size) as size, coalesce(o.cover_id, c.item_id) as cover_id,
    d.created_by as created_by_id, d.created_at, d.updated_at
from unnest(%(ids)s::integer []) with ordinality as f (id, place)
inner join datasets as d on f.id = d.id
inner join items as i on d.project_id = i.id
inner join projects as p on i.id = p.item_id
inner join workspaces as w on i.owner_id = w.account_id and w.is_first
cross join lateral (
    select readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s::integer []) as whole
) as r
left join lateral (
    select m.item_id
    from media as m
    inner join items as x on m.item_id = x.id
    where m.dataset_id = d.id and x.deleted_at is null
    order by m.item_id
    limit 1
) as c on r.whole and d.item_count > 0
left join lateral (
    select
        count(*)::integer as item_count, coalesce(sum(m.size), 0)::bigint as size, min(m.item_id) as cover_id
    from (select distinct a.item_id from items_at_work(%(worker)s::integer) as a) as k
    inner join media as m on k.item_id = m.item_id
    inner join items as x on m.item_id = x.id
    where m.dataset_id = d.id and x.deleted_at is null
) as o on not r.whole
where d.deleted_at is null and i.deleted_at is null and p.data_type is not null
and (
    r.whole
    or (
        i.owner_id = any(%(at_work)s::integer [])
        and works_in_dataset(d.id, d.project_id, %(worker)s::integer)
    )
)
order by f.place;

-- name: dataset_subtree
-- The numbers of a dataset and of all below it, in the order of their depth.
with recursive found as (
    select d.id, 0 as depth from datasets as d where d.id = %(id)s::integer and d.deleted_at is null
    union all
    select d.id, f.depth + 1
    from found as f
    inner join datasets as d on f.id = d.parent_id
    where d.deleted_at is null
)

select f.id from found as f order by f.depth, f.id;

-- name: create_dataset
-- A new dataset, or nothing where its parent has one of that name.
insert into datasets (project_id, parent_id, name, description, custom_data, created_by)
values (
    %(project_id)s::integer, %(parent_id)s::integer, %(name)s::text, %(description)s::text, %(custom_data)s::jsonb,
    %(created_by)s::integer
)
on conflict do nothing
returning id;

-- name: dataset_in_the_way
-- The number of the dataset that has a name in a place.
select d.id
from datasets as d
where d.project_id = %(project_id)s::integer and d.parent_id is not distinct from %(parent_id)s::integer
and d.name = %(name)s::text and d.deleted_at is null;

-- name: update_dataset
-- New values of a dataset; null leaves one as it is.
update datasets
set
    name = coalesce(%(name)s::text, name),
    description = coalesce(%(description)s::text, description),
    custom_data = coalesce(%(custom_data)s::jsonb, custom_data),
    updated_at = now()
where id = %(id)s::integer and deleted_at is null;

-- name: move_dataset
-- Put a dataset into another one of its project, or to its top.
update datasets set parent_id = %(parent_id)s::integer, updated_at = now() where id = %(id)s::integer;

-- name: keep_dataset
-- Keep a dataset from being removed until the transaction ends.
select d.id from datasets as d where d.id = %(id)s::integer and d.deleted_at is null for key share;

-- name: hold_datasets
-- Keep others from changing datasets, and what is in them, until the transaction ends; in one order.
select d.id from datasets as d
where d.id = any(%(ids)s::integer []) and d.deleted_at is null
order by d.id
for no key update;

-- name: end_datasets
-- Datasets are gone from all lists, and their names are free.
update datasets
set deleted_at = now(), updated_at = now(), item_count = 0, size = 0
where id = any(%(ids)s::integer []) and deleted_at is null;

-- name: end_items_of_datasets
-- Mark the items of datasets as deleted.
update items as i
set deleted_at = now(), deleted_by = %(actor_id)s::integer, updated_at = now()
from media as m
where m.dataset_id = any(%(ids)s::integer []) and m.item_id = i.id and i.deleted_at is null
returning i.id;

-- name: removable_datasets
-- Which of many datasets are there for good removal, archived ones too; with their projects, which may be in the trash.
select d.id, d.project_id, i.owner_id, i.visibility, d.deleted_at is null as live
from datasets as d
inner join items as i on d.project_id = i.id
where d.id = any(%(ids)s::integer [])
order by d.id;

-- name: purge_some_of_dataset
-- Remove the facts and labels of some items of a dataset that is removed for good.
delete from media
where item_id in (
    select m.item_id
    from media as m
    inner join items as i on m.item_id = i.id
    where m.dataset_id = %(id)s::integer and i.deleted_at is not null
    order by m.item_id
    limit %(limit)s::integer
);

-- name: purge_dataset
-- Remove a dataset for good, unless something is in it yet.
delete from datasets as d
where d.id = %(id)s::integer and d.deleted_at is not null
and not exists (select 1 from datasets as c where c.parent_id = d.id)
and not exists (select 1 from media as m where m.dataset_id = d.id);

-- name: archived_below
-- The numbers of a dataset and of all archived ones below it, the deepest first.
with recursive found as (
    select d.id, 0 as depth from datasets as d where d.id = %(id)s::integer and d.deleted_at is not null
    union all
    select d.id, f.depth + 1
    from found as f
    inner join datasets as d on f.id = d.parent_id
    where d.deleted_at is not null
)

select f.id from found as f order by f.depth desc, f.id;
