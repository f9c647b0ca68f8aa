-- name: registries -> Registry
-- Registries as one reader sees them, by their ids or handle, or an organization's by its name (case does not count).
select
    a.id, a.organization_id, o.name as organization, o.display_name as organization_title, a.name as handle,
    a.display_name as name, r.visibility, r.description, r.all_types, r.on_deletion,
    array(select t.name from artifact_types as t where t.registry_id = a.id order by t.name) as saved_types,
    array(
        select distinct u.name
        from items as i
        inner join collections as c on i.id = c.id
        cross join lateral unnest(c.types) as u (name)
        where i.owner_id = a.id and i.kind = 'collection' and i.deleted_at is null
        order by u.name
    ) as used_types,
    (
        select count(*)::integer from items as i
        where i.owner_id = a.id and i.kind = 'collection' and i.deleted_at is null
    ) as collection_count,
    b.name as created_by, r.created_at, r.updated_at
from registries as r
inner join accounts as a on r.account_id = a.id
inner join accounts as o on a.organization_id = o.id
left join accounts as b on r.created_by = b.id
where a.deleted_at is null
and (%(ids)s::integer [] is null or a.id = any(%(ids)s::integer []))
and (%(handle)s::text is null or lower(a.name) = lower(%(handle)s::text))
and (%(organization_id)s::integer is null or a.organization_id = %(organization_id)s::integer)
and (%(name)s::text is null or lower(a.display_name) = lower(%(name)s::text))
and readable('private', a.id, %(everything)s, %(accounts)s);

-- name: located -> Located
-- Where the registry of a name is, if a reader sees it: what finding something in it takes, and no more.
select a.id, a.display_name as name, a.organization_id, o.name as organization
from accounts as a
inner join accounts as o on a.organization_id = o.id
where a.organization_id = %(organization_id)s::integer and a.kind = 'registry' and a.deleted_at is null
and lower(a.display_name) = lower(%(name)s::text)
and readable('private', a.id, %(everything)s, %(accounts)s);

-- name: page
-- The ids of a page of registries that a reader sees, of one organization or of all, by name.
select a.id
from accounts as a
where a.kind = 'registry' and a.deleted_at is null
and (%(organization_id)s::integer is null or a.organization_id = %(organization_id)s::integer)
and readable('private', a.id, %(everything)s, %(accounts)s)
and (
    %(after)s::integer is null
    or (lower(a.display_name), a.id) > (
        select lower(x.display_name), x.id from accounts as x where x.id = %(after)s::integer
    )
)
order by lower(a.display_name), a.id
limit %(limit)s;

-- name: create
-- A new registry: its account, its own facts, the types that it accepts, and its maker as its first admin.
with account as (
    insert into accounts (kind, name, display_name, organization_id)
    values ('registry', %(handle)s, %(name)s, %(organization_id)s)
    returning id
),

facts as (
    insert into registries (account_id, visibility, description, all_types, on_deletion, created_by)
    select
        account.id, %(visibility)s, %(description)s, %(all_types)s, %(on_deletion)s, %(created_by)s::integer
    from account
),

accepted as (
    insert into artifact_types (registry_id, name)
    select account.id, t.name
    from account
    cross join unnest(%(types)s::text []) as t (name)
),

maker as (
    insert into memberships (user_id, account_id, role)
    select %(created_by)s::integer, account.id, 'admin'
    from account
    where %(created_by)s::integer is not null
)

select account.id from account;

-- name: hold -> Registry
-- A registry, held for a change of its settings; who links into it waits.
with held as (
    select r.* from registries as r where r.account_id = %(id)s for update
)

select
    a.id, a.organization_id, o.name as organization, o.display_name as organization_title, a.name as handle,
    a.display_name as name, r.visibility, r.description, r.all_types, r.on_deletion,
    array(select t.name from artifact_types as t where t.registry_id = a.id order by t.name) as saved_types,
    array(
        select distinct u.name
        from items as i
        inner join collections as c on i.id = c.id
        cross join lateral unnest(c.types) as u (name)
        where i.owner_id = a.id and i.kind = 'collection' and i.deleted_at is null
        order by u.name
    ) as used_types,
    0 as collection_count,
    null::text as created_by, r.created_at, r.updated_at
from held as r
inner join accounts as a on r.account_id = a.id
inner join accounts as o on a.organization_id = o.id
where a.deleted_at is null;

-- name: update
-- New values for a registry; the types are added to those that it has.
with named as (
    update accounts set display_name = %(name)s where id = %(id)s and display_name <> %(name)s
),

added as (
    insert into artifact_types (registry_id, name)
    select %(id)s, t.name
    from unnest(%(types)s::text []) as t (name)
    on conflict do nothing
)

update registries
set visibility = %(visibility)s, description = %(description)s, all_types = %(all_types)s,
    on_deletion = %(on_deletion)s, updated_at = clock_timestamp()
where account_id = %(id)s;

-- name: members -> RegistryMember
-- The users who were given a role in a registry, by name; email addresses only where the reader may see them.
select
    a.id, a.name, a.display_name,
    case when %(everything)s::boolean or a.id = %(reader_id)s::integer then a.email end as email,
    m.role, m.created_at
from memberships as m
inner join accounts as a on m.user_id = a.id
where m.account_id = %(id)s and a.deleted_at is null
order by lower(a.name);

-- name: teams -> RegistryTeam
-- The teams that were given a role in a registry, by name.
select a.id, a.name, a.display_name, t.role, t.created_at
from registry_teams as t
inner join accounts as a on t.team_id = a.id
where t.registry_id = %(id)s and a.deleted_at is null
order by lower(a.name);

-- name: find_accounts -> Found
-- The users or teams of these numbers or names, kept from being deleted until the transaction ends.
select a.id, a.name, a.organization_id
from accounts as a
where a.kind = %(kind)s and a.deleted_at is null
and (a.id = any(%(ids)s::integer []) or lower(a.name) = any(%(names)s::text []))
order by a.id
for key share;

-- name: add_members
-- Give users a role in a registry, but for those who have one; returns whom.
insert into memberships (user_id, account_id, role)
select u.id, %(registry_id)s, %(role)s
from unnest(%(ids)s::integer []) as u (id)
on conflict on constraint memberships_pkey do nothing
returning user_id;

-- name: add_teams
-- Give teams a role in a registry, but for those that have one; returns which.
insert into registry_teams (registry_id, team_id, role)
select %(registry_id)s, u.id, %(role)s
from unnest(%(ids)s::integer []) as u (id)
on conflict on constraint registry_teams_pkey do nothing
returning team_id;

-- name: set_member
-- Give a user a role in a registry; returns the one that he had.
with former as (
    select role from memberships where user_id = %(id)s and account_id = %(registry_id)s
),

put as (
    insert into memberships (user_id, account_id, role)
    values (%(id)s, %(registry_id)s, %(role)s)
    on conflict on constraint memberships_pkey do update set role = excluded.role
)

select (select f.role from former as f);

-- name: set_team
-- Give a team a role in a registry; returns the one that it had.
with former as (
    select role from registry_teams where team_id = %(id)s and registry_id = %(registry_id)s
),

put as (
    insert into registry_teams (registry_id, team_id, role)
    values (%(registry_id)s, %(id)s, %(role)s)
    on conflict on constraint registry_teams_pkey do update set role = excluded.role
)

select (select f.role from former as f);

-- name: remove_members -> Changed
-- Take users' roles in a registry away; returns whose, and which.
delete from memberships
where account_id = %(registry_id)s and user_id = any(%(ids)s::integer [])
returning user_id as id, role as former;

-- name: remove_teams -> Changed
-- Take teams' roles in a registry away; returns whose, and which.
delete from registry_teams
where registry_id = %(registry_id)s and team_id = any(%(ids)s::integer [])
returning team_id as id, role as former;

-- name: shelves -> Shelf
-- The registries of a name that a reader sees, of one organization or of any, or one by its number; they are not deleted,
-- and their settings do not change, until the transaction ends.
select
    r.account_id as id, a.display_name as name, a.organization_id, o.name as organization, r.visibility, r.all_types,
    array(select t.name from artifact_types as t where t.registry_id = r.account_id order by t.name) as types
from registries as r
inner join accounts as a on r.account_id = a.id
inner join accounts as o on a.organization_id = o.id
where a.deleted_at is null
and (%(id)s::integer is null or a.id = %(id)s::integer)
and (%(name)s::text is null or lower(a.display_name) = lower(%(name)s::text))
and (%(organization_id)s::integer is null or a.organization_id = %(organization_id)s::integer)
and readable('private', a.id, %(everything)s, %(accounts)s)
order by r.account_id
limit 2
for share of r for key share of a;

-- name: home -> Home
-- What the owner of a version is, and the organization that it is or belongs to.
select o.kind, g.id as organization_id, g.name as organization
from accounts as o
left join accounts as g on g.id = case o.kind when 'organization' then o.id else o.organization_id end
where o.id = %(id)s::integer and o.deleted_at is null;

-- name: linked -> Linked
-- The entry of a version in a release or artifact, and whether what it points at was deleted.
select
    e.item_id, n.number,
    array(
        select a.alias from entry_aliases as a
        where a.collection_id = e.collection_id and a.item_id = e.item_id order by a.alias
    ) as aliases,
    e.added_at as linked_at, (i.deleted_at is not null or v.state = 'deleted') as gone
from versions as v
inner join entries as e on v.item_id = e.item_id
inner join entry_numbers as n on e.collection_id = n.collection_id and e.item_id = n.item_id
inner join items as i on v.item_id = i.id
where v.id = %(version_id)s and e.collection_id = %(collection_id)s;

-- name: know_types
-- Let a project know types of versions.
insert into artifact_types (project_id, name)
select %(project_id)s, t.name
from unnest(%(types)s::text []) as t (name)
on conflict do nothing;

-- name: types_of
-- The types of versions that a collection accepts.
select c.types from collections as c where c.id = %(id)s;

-- name: set_types
-- The types of versions that a release accepts.
update collections set types = %(types)s::text [] where id = %(id)s;

-- name: set_one_alias
-- Let an alias name a version, all in this one statement: the revision, or no row when something is not in order, and then
-- nothing was done.
select made_revision
from set_one_alias(
    %(id)s, %(public_id)s, %(owner)s, %(curated)s, %(version_id)s, %(alias)s, %(actor_id)s, %(token_id)s, %(api)s,
    %(request_id)s, %(reason)s
);

-- name: link_one -> LinkedOne
-- Put a version into a registry's release, all in this one statement: the release, its revision and the version's item, or
-- no row when something is not in order, and then nothing was done. A release that checks hold is for the long way.
select changed_id as collection_id, made_revision as revision, linked_item as item_id
from link_one(
    %(id)s, %(public_id)s, %(owner)s, %(curated)s, %(downloads)s, %(version_id)s, %(actor_id)s, %(token_id)s, %(api)s,
    %(request_id)s, %(reason)s
)
where not exists (
    select 1
    from collections as c
    where (c.id = %(id)s::integer or c.public_id = %(public_id)s::text)
    and (
        exists (select from collection_checks as k where k.collection_id = c.id)
        or exists (
            select from collection_checks as k
            where k.params ->> 'collection' = c.public_id and k.kind = 'disjoint' and k.blocks
        )
    )
);

-- name: protected -> ProtectedAlias
-- The aliases that a registry protects.
select p.alias, p.approvals, b.name as created_by, p.created_at
from protected_aliases as p
left join accounts as b on p.created_by = b.id
where p.registry_id = %(registry_id)s and (%(alias)s::text is null or p.alias = %(alias)s::text)
order by p.alias;

-- name: protect
-- Protect an alias, or say anew how many approvals it needs; returns the number before (null: it was not protected).
with former as (
    select approvals from protected_aliases where registry_id = %(registry_id)s and alias = %(alias)s
),

put as (
    insert into protected_aliases (registry_id, alias, approvals, created_by)
    values (%(registry_id)s, %(alias)s, %(approvals)s, %(actor_id)s::integer)
    on conflict on constraint protected_aliases_pkey do update set approvals = excluded.approvals
)

select (select f.approvals from former as f);

-- name: unprotect
-- Protect an alias no more.
delete from protected_aliases where registry_id = %(registry_id)s and alias = %(alias)s returning approvals;

-- name: promotions -> Promotion
-- A page of requests to set a protected alias, newest first, as far as a reader sees their releases, with the votes.
-- Approvals count of those who are admins of the registry (or of the server) now.
select
    p.id, c.owner_id as registry_id, p.collection_id, c.title as collection, k.public_id, p.alias, p.item_id,
    v.id as version_id, n.number, p.state, p.reason, p.requested_by as requested_by_id, b.name as requested_by,
    p.requested_at, p.decided_at,
    coalesce((
        select t.approvals from protected_aliases as t where t.registry_id = c.owner_id and t.alias = p.alias
    ), 0) as needed,
    (
        select count(*)::integer
        from promotion_votes as w
        inner join accounts as u on w.user_id = u.id and u.deleted_at is null
        where w.promotion_id = p.id and w.approves
        and (u.is_admin or exists (
            select 1 from roles_of(u.id) as r where r.account_id = c.owner_id and r.role = 'admin'
        ))
    ) as approvals,
    w.voters, w.verdicts, w.comments, w.times
from promotions as p
inner join items as c on p.collection_id = c.id
inner join collections as k on c.id = k.id
inner join accounts as b on p.requested_by = b.id
inner join versions as v on p.item_id = v.item_id
inner join entry_numbers as n on p.collection_id = n.collection_id and p.item_id = n.item_id
cross join lateral (
    select
        coalesce(array_agg(u.name order by w.created_at, u.id), '{}') as voters,
        coalesce(array_agg(w.approves order by w.created_at, u.id), '{}') as verdicts,
        coalesce(array_agg(w.comment order by w.created_at, u.id), '{}') as comments,
        coalesce(array_agg(w.created_at order by w.created_at, u.id), '{}') as times
    from promotion_votes as w
    inner join accounts as u on w.user_id = u.id
    where w.promotion_id = p.id
) as w
where c.deleted_at is null and readable('private', c.owner_id, %(everything)s, %(accounts)s)
and (%(id)s::integer is null or p.id = %(id)s::integer)
and (%(collection_id)s::integer is null or p.collection_id = %(collection_id)s::integer)
and (%(registry_id)s::integer is null or c.owner_id = %(registry_id)s::integer)
and (%(state)s::text is null or p.state = %(state)s::text)
and (%(below)s::integer is null or p.id < %(below)s::integer)
order by p.id desc
limit %(limit)s;

-- name: open_promotion
-- The open request to set an alias to a version of a release, if there is one.
select p.id
from promotions as p
where p.collection_id = %(collection_id)s and p.alias = %(alias)s and p.item_id = %(item_id)s and p.state = 'open';

-- name: request_promotion
-- A new request to set a protected alias.
insert into promotions (collection_id, alias, item_id, reason, requested_by)
values (%(collection_id)s, %(alias)s, %(item_id)s, %(reason)s, %(actor_id)s)
returning id;

-- name: hold_promotion
-- The state of a request, which does not change until the transaction ends.
select p.state from promotions as p where p.id = %(id)s for update;

-- name: vote
-- What somebody says to a request; he may change his mind.
insert into promotion_votes (promotion_id, user_id, approves, comment)
values (%(id)s, %(user_id)s, %(approves)s, %(comment)s)
on conflict on constraint promotion_votes_pkey do update
set approves = excluded.approves, comment = excluded.comment, created_at = now();

-- name: decide_promotion
-- The end of a request.
update promotions set state = %(state)s, decided_at = clock_timestamp() where id = %(id)s;

-- name: end_promotions -> Ended
-- The open requests for an alias in a registry that protects it no more end; returns each with its release and version.
update promotions as p
set state = 'withdrawn', decided_at = clock_timestamp()
from items as c
where p.collection_id = c.id and c.owner_id = %(registry_id)s and p.alias = %(alias)s and p.state = 'open'
returning p.id, p.collection_id, p.item_id;

-- name: versions -> Face
-- What versions are, by their items; also those that were deleted.
select
    i.id as item_id, v.id as version_id, coalesce(o.name, '') as owner, i.name, c.types[1] as type, v.digest
from items as i
left join accounts as o on i.owner_id = o.id
left join versions as v on i.id = v.item_id
left join collections as c on v.artifact_id = c.id
where i.id = any(%(items)s::integer []);

-- name: link_log -> LinkRecord
-- A page of the links of a release, last linked first: from which revision to which, and who made and ended each, and why.
with forms as (
    select e.item_id, e.since_rev, null::integer as until_rev, e.added_rev, e.added_by, e.added_at
    from entries as e
    where e.collection_id = %(id)s
    union all
    select h.item_id, h.since_rev, h.until_rev, h.added_rev, h.added_by, h.added_at
    from entry_history as h
    where h.collection_id = %(id)s
),

begun as (
    select
        f.*,
        case when lag(f.until_rev) over (partition by f.item_id order by f.since_rev) = f.since_rev then 0 else 1
        end as fresh
    from forms as f
),

runs as (
    select b.*, sum(b.fresh) over (partition by b.item_id order by b.since_rev) as run
    from begun as b
),

links as (
    select
        r.item_id, min(r.since_rev) as since_rev, min(r.added_rev) as added_rev, min(r.added_by) as added_by,
        min(r.added_at) as added_at,
        case when bool_and(r.until_rev is not null) then max(r.until_rev) end as until_rev
    from runs as r
    group by r.item_id, r.run
),

told as (
    select distinct on (e.revision) e.revision, e.at, e.reason, a.name as actor
    from events as e
    left join accounts as a on e.actor_id = a.id
    where e.collection_id = %(id)s and e.revision is not null and e.verb not in ('revision.named', 'revision.unnamed')
    order by e.revision, e.id
)

select
    l.item_id, v.id as version_id, coalesce(o.name, '') as owner, i.name, v.digest, n.number, l.since_rev,
    case when l.since_rev = l.added_rev then b.name else t.actor end as linked_by,
    case when l.since_rev = l.added_rev then l.added_at else coalesce(t.at, l.added_at) end as linked_at,
    t.reason as link_reason, u.actor as unlinked_by, u.at as unlinked_at, u.reason as unlink_reason, l.until_rev
from links as l
inner join items as i on l.item_id = i.id
inner join entry_numbers as n on n.collection_id = %(id)s and l.item_id = n.item_id
left join accounts as o on i.owner_id = o.id
left join versions as v on l.item_id = v.item_id
left join accounts as b on l.added_by = b.id
left join told as t on l.since_rev = t.revision
left join told as u on l.until_rev = u.revision
where (%(version_id)s::integer is null or v.id = %(version_id)s::integer)
and (
    %(below)s::integer is null or (l.since_rev, l.item_id) < (%(below)s::integer, %(below_item)s::integer)
)
order by l.since_rev desc, l.item_id desc
limit %(limit)s;

-- name: holders -> Holder
-- The releases that hold a version, of those that a reader sees.
select
    r.id as collection_id, r.public_id, h.title as collection, o.name as owner, g.account_id as registry_id,
    case when g.account_id is not null then o.display_name end as registry, p.name as project, n.number,
    array(
        select a.alias from entry_aliases as a
        where a.collection_id = e.collection_id and a.item_id = e.item_id order by a.alias
    ) as aliases,
    b.name as linked_by, e.added_at as linked_at
from versions as v
inner join entries as e on v.item_id = e.item_id
inner join collections as r on e.collection_id = r.id and r.kind = 'release'
inner join items as h on r.id = h.id
inner join accounts as o on h.owner_id = o.id
inner join entry_numbers as n on e.collection_id = n.collection_id and e.item_id = n.item_id
left join registries as g on o.id = g.account_id
left join items as p on h.container_id = p.id
left join accounts as b on e.added_by = b.id
where v.id = %(version_id)s and h.deleted_at is null
and readable(h.visibility, h.owner_id, %(everything)s, %(accounts)s)
order by e.added_at, r.id;

-- name: broken -> Broken
-- A page of a registry's entries whose version was deleted, the last deleted first, with what each was.
select
    r.id as collection_id, r.public_id, h.title as collection, e.item_id, v.id as version_id,
    coalesce(o.name, '') as owner, i.name, c.types[1] as type, v.digest, n.number,
    array(
        select a.alias from entry_aliases as a
        where a.collection_id = e.collection_id and a.item_id = e.item_id order by a.alias
    ) as aliases,
    b.name as linked_by, e.added_at as linked_at, d.name as deleted_by, i.deleted_at
from items as h
inner join collections as r on h.id = r.id and r.kind = 'release'
inner join entries as e on r.id = e.collection_id
inner join items as i on e.item_id = i.id
inner join entry_numbers as n on e.collection_id = n.collection_id and e.item_id = n.item_id
left join versions as v on i.id = v.item_id
left join collections as c on v.artifact_id = c.id
left join accounts as o on i.owner_id = o.id
left join accounts as b on e.added_by = b.id
left join accounts as d on i.deleted_by = d.id
where h.owner_id = %(registry_id)s and h.kind = 'collection' and h.deleted_at is null and i.deleted_at is not null
and (
    %(before)s::timestamptz is null
    or (i.deleted_at, r.id, i.id) < (%(before)s::timestamptz, %(below)s::integer, %(below_item)s::integer)
)
order by i.deleted_at desc, r.id desc, i.id desc
limit %(limit)s;
