-- name: workspaces_of -> Workspace
-- The workspaces of an account in which a reader has a part, the first one first, then by number.
select
    w.id, w.account_id, a.name as account, w.name, w.description, w.hidden, w.is_first, w.created_by as created_by_id,
    w.created_at, w.updated_at
from workspaces as w
inner join accounts as a on w.account_id = a.id
where w.account_id = %(account_id)s::integer and w.deleted_at is null and a.deleted_at is null
and (
    %(everything)s::boolean or w.account_id = any(%(accounts)s::integer [])
    or (
        w.account_id = any(%(at_work)s::integer [])
        and works_in_workspace(w.id, %(worker)s::integer)
    )
)
order by not w.is_first, w.id;

-- name: workspace -> Workspace
-- A workspace by its number, as one reader sees it.
select
    w.id, w.account_id, a.name as account, w.name, w.description, w.hidden, w.is_first, w.created_by as created_by_id,
    w.created_at, w.updated_at
from workspaces as w
inner join accounts as a on w.account_id = a.id
where w.id = %(id)s::integer and w.deleted_at is null and a.deleted_at is null
and (
    %(everything)s::boolean or w.account_id = any(%(accounts)s::integer [])
    or (
        w.account_id = any(%(at_work)s::integer [])
        and works_in_workspace(w.id, %(worker)s::integer)
    )
);

-- name: first_workspace
-- The number of an account's first workspace.
select w.id
from workspaces as w
inner join accounts as a on w.account_id = a.id
where w.account_id = %(account_id)s::integer and w.is_first and a.deleted_at is null;

-- name: keep_workspace
-- Keep a workspace, and its account, from being removed until the transaction ends: for whoever makes something in it.
select w.id
from workspaces as w
inner join accounts as a on w.account_id = a.id
where w.id = %(id)s::integer and w.deleted_at is null and a.deleted_at is null
for key share;

-- name: hold_workspace
-- Keep anybody from putting something into a workspace until the transaction ends.
select w.id from workspaces as w where w.id = %(id)s::integer and w.deleted_at is null for update;

-- name: create_workspace
-- A new workspace, or nothing where its account has one of that name.
insert into workspaces (account_id, name, description, created_by)
values (
    %(account_id)s::integer, %(name)s::text, %(description)s::text, %(created_by)s::integer
)
on conflict do nothing
returning id;

-- name: workspace_named
-- The number of an account's workspace of a name.
select w.id
from workspaces as w
where w.account_id = %(account_id)s::integer and lower(w.name) = lower(%(name)s::text) and w.deleted_at is null;

-- name: update_workspace
-- New values of a workspace; null leaves one as it is.
update workspaces
set
    name = coalesce(%(name)s::text, name),
    description = coalesce(%(description)s::text, description),
    hidden = coalesce(%(hidden)s::boolean, hidden),
    updated_at = now()
where id = %(id)s::integer and deleted_at is null;

-- name: end_workspace
-- A workspace is gone from all lists, and its name is free.
update workspaces set deleted_at = now(), updated_at = now() where id = %(id)s::integer and deleted_at is null;

-- name: projects_in_workspace
-- The numbers of all projects in a workspace, in the trash or not.
select p.item_id, i.deleted_at is null as live
from projects as p
inner join items as i on p.item_id = i.id
where p.workspace_id = %(id)s::integer
order by p.item_id;

-- name: ended_workspace
-- The account of a workspace that was archived.
select w.account_id from workspaces as w where w.id = %(id)s::integer and w.deleted_at is not null;
