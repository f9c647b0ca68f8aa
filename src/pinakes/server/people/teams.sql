-- name: workplaces_by_id -> Workplace
-- The accounts of those numbers that a reader has to do with (an administrator: any), in the order of their numbers.
select a.id, a.kind, a.name, coalesce(nullif(a.display_name, ''), a.name) as title, a.description, a.created_at, null::text as role
from accounts as a
where
    a.deleted_at is null and a.kind <> 'registry' and a.id = any(%(ids)s::integer [])
    and (%(everything)s::boolean or a.id = any(%(accounts)s::integer []))
order by a.id;

-- name: workplaces_seen -> Workplace
-- The accounts that a reader has to do with; to an administrator all organizations and teams beside his own.
select a.id, a.kind, a.name, coalesce(nullif(a.display_name, ''), a.name) as title, a.description, a.created_at, null::text as role
from accounts as a
where
    a.deleted_at is null and a.kind <> 'registry'
    and (a.id = any(%(accounts)s::integer []) or (%(everything)s::boolean and a.kind <> 'user'))
order by a.id;

-- name: describe_account
-- Another title or description of an account; null leaves one as it is.
update accounts
set
    display_name = coalesce(%(title)s::text, display_name),
    description = coalesce(%(description)s::text, description)
where id = %(id)s::integer and deleted_at is null;

-- name: fellows -> Fellow
-- Everybody who has a role in an account: its owner, its members, and who administers the organization that it is a team of.
select
    u.id, u.name, u.display_name,
    case when %(everything)s::boolean or u.id = %(reader_id)s::integer then u.email end as email,
    u.is_admin, u.disabled_at is not null as disabled, u.created_at, r.role
from (
    select distinct on (f.user_id) f.user_id, f.role
    from (
        select a.id as user_id, 'owner'::text as role, 0 as turn
        from accounts as a
        where a.id = %(account_id)s::integer and a.kind = 'user'
        union all
        select m.user_id, m.role, case when m.role = 'admin' then 0 else 2 end
        from memberships as m
        where m.account_id = %(account_id)s::integer
        union all
        select m.user_id, 'admin'::text, 1
        from accounts as a
        inner join memberships as m on a.organization_id = m.account_id
        where a.id = %(account_id)s::integer and a.kind = 'team' and m.role = 'admin'
    ) as f
    order by f.user_id, f.turn
) as r
inner join accounts as u on r.user_id = u.id
where u.deleted_at is null
order by u.id;

-- name: users_by_id -> Fellow
-- Users by their numbers; of all of them without numbers.
select
    u.id, u.name, u.display_name,
    case when %(everything)s::boolean or u.id = %(reader_id)s::integer then u.email end as email,
    u.is_admin, u.disabled_at is not null as disabled, u.created_at, null::text as role
from accounts as u
where u.kind = 'user' and u.deleted_at is null and (%(ids)s::integer [] is null or u.id = any(%(ids)s::integer []))
order by u.id;

-- name: places_of -> Place
-- The accounts in which a user has a role, as far as a reader has to do with them; the same one twice where two things give
-- it to him.
select a.id, coalesce(nullif(a.display_name, ''), a.name) as title, g.role
from roles_of(%(user_id)s::integer) as g
inner join accounts as a on g.account_id = a.id
where
    a.deleted_at is null and a.kind <> 'registry'
    and (%(everything)s::boolean or a.id = any(%(accounts)s::integer []))
order by a.id;

-- name: disable_user
-- From now on a user can't sign in, or he can again.
update accounts
set disabled_at = case when %(disabled)s::boolean then coalesce(disabled_at, now()) end
where id = %(id)s::integer and kind = 'user' and deleted_at is null;

-- name: end_sessions
-- End all sessions of a user.
delete from sessions where user_id = %(id)s::integer;

-- name: enabled_administrators
-- The administrators of the server who can sign in.
select id from accounts where is_admin and deleted_at is null and disabled_at is null order by id for update;
