-- name: media_project_ids
-- The numbers of a page of projects of media that a reader sees, in an order.
select i.id
from items as i
inner join projects as p on i.id = p.item_id
inner join workspaces as w on i.owner_id = w.account_id and w.is_first
where i.kind = 'project' and i.deleted_at is null and p.data_type is not null
and (%(account_id)s::integer is null or i.owner_id = %(account_id)s::integer)
and (%(workspace_id)s::integer is null or coalesce(p.workspace_id, w.id) = %(workspace_id)s::integer)
and (%(ids)s::integer [] is null or i.id = any(%(ids)s::integer []))
and (%(names)s::text [] is null or i.name = any(%(names)s::text []))
and (%(data_type)s::text is null or p.data_type = %(data_type)s::text)
and (
    readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s::integer [])
    or (
        i.owner_id = any(%(at_work)s::integer [])
        and works_in_project(i.id, %(worker)s::integer)
    )
)
order by /* part: order */ i.id
limit %(limit)s::integer
offset %(offset)s::bigint;

-- name: count_media_projects
-- How many of them there are in all.
select count(*)
from items as i
inner join projects as p on i.id = p.item_id
inner join workspaces as w on i.owner_id = w.account_id and w.is_first
where i.kind = 'project' and i.deleted_at is null and p.data_type is not null
and (%(account_id)s::integer is null or i.owner_id = %(account_id)s::integer)
and (%(workspace_id)s::integer is null or coalesce(p.workspace_id, w.id) = %(workspace_id)s::integer)
and (%(ids)s::integer [] is null or i.id = any(%(ids)s::integer []))
and (%(names)s::text [] is null or i.name = any(%(names)s::text []))
and (%(data_type)s::text is null or p.data_type = %(data_type)s::text)
and (
    readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s::integer [])
    or (
        i.owner_id = any(%(at_work)s::integer [])
        and works_in_project(i.id, %(worker)s::integer)
    )
);

-- name: media_projects -> MediaProject
-- Projects of media by their numbers, in that order, with what is in them; those that a reader sees, and who only works
-- there with what he sees in them.
select
    i.id, i.owner_id, o.name as owner, o.kind as owner_kind, w.id as workspace_id, w.name as workspace, i.name,
    p.description, i.visibility, p.data_type, p.readme, p.settings, p.custom_data,
    coalesce(v.dataset_count, d.dataset_count) as dataset_count, coalesce(v.item_count, d.item_count) as item_count,
    coalesce(v.size, d.size) as size, coalesce(v.cover_id, c.item_id) as cover_id, p.created_by as created_by_id, b.name as created_by, i.created_at, i.updated_at
from unnest(%(ids)s::integer []) with ordinality as f (id, place)
inner join items as i on f.id = i.id
inner join projects as p on i.id = p.item_id
inner join accounts as o on i.owner_id = o.id
cross join lateral (
    select x.id, x.name
    from workspaces as x
    where x.id = p.workspace_id or (p.workspace_id is null and x.account_id = i.owner_id and x.is_first)
    limit 1
) as w
left join accounts as b on p.created_by = b.id and b.deleted_at is null
cross join lateral (
    select readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s::integer []) as whole
) as r
left join lateral (
    select
        count(*)::integer as dataset_count, coalesce(sum(x.item_count), 0)::bigint as item_count,
        coalesce(sum(x.size), 0)::bigint as size
    from datasets as x
    where x.project_id = i.id and x.deleted_at is null
) as d on r.whole
left join lateral (
    select m.item_id
    from media as m
    inner join items as x on m.item_id = x.id
    where m.project_id = i.id and x.deleted_at is null
    order by m.item_id
    limit 1
) as c on r.whole
left join lateral (
    select
        (
            select count(*)::integer
            from datasets as x
            where x.project_id = i.id and x.deleted_at is null and works_in_dataset(x.id, i.id, %(worker)s::integer)
        ) as dataset_count,
        count(*) as item_count, coalesce(sum(m.size), 0)::bigint as size, min(m.item_id) as cover_id
    from (select distinct a.item_id from items_at_work(%(worker)s::integer) as a) as k
    inner join media as m on k.item_id = m.item_id
    inner join items as x on m.item_id = x.id
    where m.project_id = i.id and x.deleted_at is null
) as v on not r.whole
where i.deleted_at is null and p.data_type is not null
and (
    r.whole
    or (
        i.owner_id = any(%(at_work)s::integer [])
        and works_in_project(i.id, %(worker)s::integer)
    )
)
order by f.place;

-- name: create_media_project
-- A new project of media, or nothing where its workspace has one of that name; wandb's names are those of the first one.
with made as (
    insert into items (kind, owner_id, name, name_key, title, visibility)
    select
        'project', w.account_id, %(name)s::text,
        lower(%(name)s::text) || case when w.is_first then '' else chr(31) || w.id::text end, '', 'private'
    from workspaces as w
    where w.id = %(workspace_id)s::integer
    on conflict do nothing
    returning id
)

insert into projects (item_id, description, created_by, data_type, workspace_id, readme, settings, custom_data)
select
    m.id, %(description)s::text, %(created_by)s::integer, %(data_type)s::text, %(workspace_id)s::integer,
    %(readme)s::text, %(settings)s::jsonb, %(custom_data)s::jsonb
from made as m
returning item_id;

-- name: project_in_the_way
-- The number of the project that has a name in a workspace.
select i.id
from workspaces as w
inner join items as i on w.account_id = i.owner_id
where w.id = %(workspace_id)s::integer and i.kind = 'project' and i.container_id is null and i.deleted_at is null
and i.name_key = lower(%(name)s::text) || case when w.is_first then '' else chr(31) || w.id::text end;

-- name: update_media_project
-- New values of a project of media; null leaves one as it is, and settings are laid over the former ones.
update projects
set
    description = coalesce(%(description)s::text, description),
    readme = coalesce(%(readme)s::text, readme),
    settings = settings || coalesce(%(settings)s::jsonb, '{}'),
    custom_data = coalesce(%(custom_data)s::jsonb, custom_data),
    data_type = coalesce(%(data_type)s::text, data_type)
where item_id = %(id)s::integer;

-- name: has_media
-- Whether a project has, or had, items of media.
select exists (select 1 from media as m where m.project_id = %(id)s::integer);

-- name: move_media_project
-- Put a project into another workspace of its account.
with target as (
    select w.id, w.is_first from workspaces as w where w.id = %(workspace_id)s::integer
),

moved as (
    update projects as p
    set workspace_id = t.id
    from target as t
    where p.item_id = %(id)s::integer
)

update items as i
set
    name_key = lower(i.name) || case when t.is_first then '' else chr(31) || t.id::text end,
    updated_at = now()
from target as t
where i.id = %(id)s::integer;

-- name: purgeable_projects
-- Which of many projects are there for good removal: live, or in the trash and not removed yet; with their owners.
select i.id, i.owner_id, i.visibility, i.deleted_at is null as live
from items as i
inner join projects as p on i.id = p.item_id
where i.id = any(%(ids)s::integer []) and i.kind = 'project' and p.data_type is not null
order by i.id;

-- name: purge_some_media
-- Remove the facts and labels of some items of projects that are removed for good, or that have been in the trash since
-- before a moment; the items themselves stay as names that nobody finds.
delete from media
where item_id in (
    select m.item_id
    from media as m
    inner join items as i on m.item_id = i.id
    where m.project_id = %(project_id)s::integer and i.deleted_at is not null
    order by m.item_id
    limit %(limit)s::integer
);

-- name: purge_project_facts
-- Remove what a project that is removed for good has beside its items: datasets, classes, tags, queues.
with queues_gone as (delete from queues where project_id = %(project_id)s::integer),

classes_gone as (delete from label_classes where project_id = %(project_id)s::integer),

tags_gone as (delete from label_tags where project_id = %(project_id)s::integer)

delete from datasets where project_id = %(project_id)s::integer;
