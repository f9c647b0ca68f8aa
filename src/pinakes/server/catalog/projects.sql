-- name: project_by_name -> Project
-- The project of that name, present or former, of an owner, as one reader sees it.
select
    i.id, i.owner_id, o.name as owner, o.kind as owner_kind, i.name, p.description, i.visibility, i.created_at,
    i.updated_at, b.name as created_by
from accounts as o
cross join lateral (
    select x.id, 1 as choice
    from items as x
    where x.kind = 'project' and x.owner_id = o.id and x.container_id is null and x.name_key = lower(%(name)s::text)
    and x.deleted_at is null
    union all
    select d.item_id, 2
    from redirects as d
    where d.kind = 'project' and d.owner_id = o.id and d.name_key = lower(%(name)s::text)
) as f
inner join items as i on f.id = i.id
inner join projects as p on i.id = p.item_id
left join accounts as b on p.created_by = b.id and b.deleted_at is null
where lower(o.name) = lower(%(owner)s::text) and o.deleted_at is null and i.deleted_at is null
and readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s::integer [])
order by f.choice
limit 1;

-- name: project_by_id -> Project
-- A project by its number, as one reader sees it.
select
    i.id, i.owner_id, o.name as owner, o.kind as owner_kind, i.name, p.description, i.visibility, i.created_at,
    i.updated_at, b.name as created_by
from items as i
inner join projects as p on i.id = p.item_id
inner join accounts as o on i.owner_id = o.id
left join accounts as b on p.created_by = b.id and b.deleted_at is null
where i.id = %(id)s::integer and i.deleted_at is null
and readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s::integer []);

-- name: projects -> Project
-- A page of the projects that a reader sees, of one owner or of all, newest first.
select
    i.id, i.owner_id, o.name as owner, o.kind as owner_kind, i.name, p.description, i.visibility, i.created_at,
    i.updated_at, b.name as created_by
from items as i
inner join projects as p on i.id = p.item_id
inner join accounts as o on i.owner_id = o.id
left join accounts as b on p.created_by = b.id and b.deleted_at is null
where i.kind = 'project' and i.deleted_at is null and i.id < %(below)s::integer
and (%(by_number)s::boolean or strpos(i.name_key, chr(31)) = 0)
and (%(owner_id)s::integer is null or i.owner_id = %(owner_id)s::integer)
and (
    readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s::integer [])
    or (i.owner_id = any(%(at_work)s::integer []) and works_in_project(i.id, %(worker)s::integer))
)
order by i.id desc
limit %(limit)s::integer;

-- name: create_project_facts
-- What only projects have, for a new one.
insert into projects (item_id, description, created_by)
values (%(id)s::integer, %(description)s::text, %(created_by)s::integer);

-- name: describe_project
-- A new description of a project.
update projects set description = %(description)s::text where item_id = %(id)s::integer;

-- name: rename_project
-- Another name for a project; says whether names lead to it, as they do in the first workspace.
update items
set
    name = %(name)s::text,
    name_key = lower(%(name)s::text)
    || case when strpos(name_key, chr(31)) = 0 then '' else substr(name_key, strpos(name_key, chr(31))) end,
    updated_at = now()
where id = %(id)s::integer
returning strpos(name_key, chr(31)) = 0;

-- name: is_addressed
-- Whether names lead to a project.
select strpos(i.name_key, chr(31)) = 0 from items as i where i.id = %(id)s::integer;

-- name: keep_project
-- Keep a project from being deleted until the transaction ends.
select i.id from items as i
where i.id = %(id)s::integer and i.kind = 'project' and i.deleted_at is null
for key share;

-- name: hold_project_to_end
-- Keep anybody from making something in a project until the transaction ends.
select i.id from items as i
where i.id = %(id)s::integer and i.kind = 'project' and i.deleted_at is null
for update;

-- name: hold_versions_in
-- Keep the versions of a project from being linked anywhere until the transaction ends; returns them.
select v.id
from versions as v
inner join items as a on v.artifact_id = a.id
where a.container_id = %(id)s::integer and v.state = 'committed'
order by v.id
for update of v;

-- name: show_project_content
-- What is in a project has its visibility.
update items
set visibility = %(visibility)s::text, updated_at = now()
where container_id = %(id)s::integer and visibility <> %(visibility)s::text and deleted_at is null;

-- name: delete_project_content
-- Mark a project as deleted, with all that is in it.
with gone as (
    update items
    set deleted_at = now(), deleted_by = %(actor_id)s::integer, updated_at = now()
    where (id = %(id)s::integer or container_id = %(id)s::integer) and deleted_at is null
    returning id, kind
)

update versions as v
set state = 'deleted', deleted_at = now(), updated_at = now()
from gone as g
where v.item_id = g.id and g.kind = 'version';
