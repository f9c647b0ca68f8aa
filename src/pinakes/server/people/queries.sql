-- name: account -> Account
-- The user, organization or team of that name; names are looked up without case. A registry's handle is nobody's name.
select id, kind, name, display_name, email, is_admin, organization_id, created_at
from accounts
where lower(name) = lower(%(name)s::text) and deleted_at is null and kind <> 'registry';

-- name: keep_account -> Account
-- The same, kept from being deleted until the transaction ends: for whoever makes something that it will own.
select id, kind, name, display_name, email, is_admin, organization_id, created_at
from accounts
where lower(name) = lower(%(name)s::text) and deleted_at is null and kind <> 'registry'
for key share;

-- name: account_by_id -> Account
-- An account by its number, unless it is deleted.
select id, kind, name, display_name, email, is_admin, organization_id, created_at
from accounts
where id = %(id)s::integer and deleted_at is null;

-- name: create_account -> Account
-- A new user, organization or team.
insert into accounts (kind, name, display_name, email, password_hash, is_admin, organization_id)
values (
    %(kind)s, %(name)s, %(display_name)s, %(email)s, %(password_hash)s, %(is_admin)s, %(organization_id)s::integer
)
returning id, kind, name, display_name, email, is_admin, organization_id, created_at;

-- name: update_account -> Account
-- New values for an account; null leaves one as it is, an empty email takes it away.
update accounts
set
    display_name = coalesce(%(display_name)s::text, display_name),
    email = nullif(coalesce(%(email)s::text, email), ''),
    password_hash = coalesce(%(password_hash)s::text, password_hash),
    is_admin = coalesce(%(is_admin)s::boolean, is_admin)
where id = %(id)s::integer and deleted_at is null
returning id, kind, name, display_name, email, is_admin, organization_id, created_at;

-- name: users -> Account
-- A page of the users, by name.
select id, kind, name, display_name, email, is_admin, organization_id, created_at
from accounts
where kind = 'user' and deleted_at is null and (%(after)s::text is null or lower(name) > %(after)s::text)
order by lower(name)
limit %(limit)s::integer;

-- name: organizations -> Account
-- A page of the organizations that a reader has a role in (an administrator: of all), by name.
select id, kind, name, display_name, email, is_admin, organization_id, created_at
from accounts
where
    kind = 'organization' and deleted_at is null
    and (%(everything)s::boolean or id = any(%(accounts)s::integer []))
    and (%(after)s::text is null or lower(name) > %(after)s::text)
order by lower(name)
limit %(limit)s::integer;

-- name: organizations_called -> Account
-- The organizations of that name or, among those that a reader has to do with (by a role there, in a team or in a
-- registry of it), of that display name; the one of that name comes first.
select o.id, o.kind, o.name, o.display_name, o.email, o.is_admin, o.organization_id, o.created_at
from accounts as o
where
    o.kind = 'organization' and o.deleted_at is null
    and (
        lower(o.name) = lower(%(called)s::text)
        or (
            lower(o.display_name) = lower(%(called)s::text)
            and (
                %(everything)s::boolean
                or o.id = any(%(accounts)s::integer [])
                or exists (
                    select 1 from accounts as t where t.organization_id = o.id and t.id = any(%(accounts)s::integer [])
                )
            )
        )
    )
order by lower(o.name) <> lower(%(called)s::text), o.id
limit 2;

-- name: teams -> Account
-- The teams of an organization, by name.
select id, kind, name, display_name, email, is_admin, organization_id, created_at
from accounts
where organization_id = %(organization_id)s::integer and kind = 'team' and deleted_at is null
order by lower(name);

-- name: parts_of
-- The ids of all that belongs to an organization and goes with it: its teams and its registries.
select id
from accounts
where organization_id = %(organization_id)s::integer and deleted_at is null
order by id;

-- name: memberships_of -> Membership
-- The organizations and teams that a user is a member of, as far as the reader may know; what a team is to an admin of its
-- organization is not a membership.
select a.id, a.kind, a.name, a.display_name, a.email, a.is_admin, a.organization_id, a.created_at, m.role
from memberships as m
inner join accounts as a on m.account_id = a.id
where
    m.user_id = %(user_id)s::integer and a.deleted_at is null and a.kind in ('organization', 'team')
    and (%(everything)s::boolean or a.id = any(%(accounts)s::integer []))
order by lower(a.name);

-- name: members -> Membership
-- The members of an organization or team, by name; email addresses only where the reader may see them.
select
    a.id, a.kind, a.name, a.display_name,
    case when %(everything)s::boolean or a.id = %(reader_id)s::integer then a.email end as email,
    a.is_admin, a.organization_id, a.created_at, m.role
from memberships as m
inner join accounts as a on m.user_id = a.id
where m.account_id = %(account_id)s::integer and a.deleted_at is null
order by lower(a.name);

-- name: hold_admins
-- The ids of an organization's admins, held until the transaction ends: two can't both see another one left.
select user_id
from memberships
where account_id = %(account_id)s::integer and role = 'admin'
order by user_id
for update;

-- name: hold_admins_beside
-- The admins of every organization that a user is an admin of, himself too, held in the same way.
select a.name, m.user_id
from memberships as m
inner join accounts as a on m.account_id = a.id
where a.kind = 'organization' and m.role = 'admin' and m.account_id in (
    select own.account_id from memberships as own where own.user_id = %(user_id)s::integer and own.role = 'admin'
)
order by m.account_id, m.user_id
for update of m;

-- name: hold_administrators
-- The ids of the administrators of the server, held until the transaction ends: two can't both see another one left.
select id
from accounts
where is_admin and deleted_at is null
order by id
for update;

-- name: put_member
-- Make a user a member, or give him another role; returns the role that he had, and whether he was a member.
with
former as (
    select role from memberships where user_id = %(user_id)s::integer and account_id = %(account_id)s::integer
),

put as (
    insert into memberships (user_id, account_id, role)
    values (%(user_id)s::integer, %(account_id)s::integer, %(role)s::text)
    on conflict on constraint memberships_pkey do update set role = excluded.role
)

select (select f.role from former as f);

-- name: remove_member
-- End a membership and, when it is one of an organization, those of its teams and registries; returns the role that it
-- had.
with
gone as (
    delete from memberships as m
    using accounts as a
    where
        m.user_id = %(user_id)s::integer and m.account_id = a.id
        and (a.id = %(account_id)s::integer or a.organization_id = %(account_id)s::integer)
    returning m.account_id, m.role
)

select g.role from gone as g where g.account_id = %(account_id)s::integer;

-- name: token_credential -> Credential
-- Whose token that is, and every role that he holds: all that a request has to know of its author, in one query.
select
    t.id as token_id, u.id as user_id, u.name, u.is_admin, t.scope, t.bound_to, r.accounts, r.roles,
    (t.expires_at is null or t.expires_at > now()) as valid,
    (t.last_used_at is null or t.last_used_at < now() - interval '1 minute') as stale
from tokens as t
inner join accounts as u on t.user_id = u.id
cross join lateral (
    select array_agg(g.account_id) as accounts, array_agg(g.role) as roles
    from roles_of(u.id) as g
) as r
where t.digest = %(digest)s::bytea and u.deleted_at is null and u.disabled_at is null;

-- name: token_credential_by_id -> Credential
-- The same of a token by its number, which is nobody's secret: for what was asked for with it before.
select
    t.id as token_id, u.id as user_id, u.name, u.is_admin, t.scope, t.bound_to, r.accounts, r.roles,
    (t.expires_at is null or t.expires_at > now()) as valid, false as stale
from tokens as t
inner join accounts as u on t.user_id = u.id
cross join lateral (
    select array_agg(g.account_id) as accounts, array_agg(g.role) as roles
    from roles_of(u.id) as g
) as r
where
    t.id = %(token_id)s::integer and t.user_id = %(user_id)s::integer
    and u.deleted_at is null and u.disabled_at is null;

-- name: session_credential -> Credential
-- Whose session that is, in the same form; it is stale when its end should be put off again.
select
    null::integer as token_id, u.id as user_id, u.name, u.is_admin, 'admin' as scope, null::integer as bound_to,
    r.accounts, r.roles,
    s.expires_at > now() as valid,
    s.expires_at < now() + make_interval(days => %(days)s::integer) - interval '1 hour' as stale
from sessions as s
inner join accounts as u on s.user_id = u.id
cross join lateral (
    select array_agg(g.account_id) as accounts, array_agg(g.role) as roles
    from roles_of(u.id) as g
) as r
where s.digest = %(digest)s::bytea and u.deleted_at is null and u.disabled_at is null;

-- name: user_credential -> Credential
-- A user by his number, in the same form: for work that the server does in his name.
select
    null::integer as token_id, u.id as user_id, u.name, u.is_admin, 'admin' as scope, null::integer as bound_to,
    r.accounts, r.roles, true as valid, false as stale
from accounts as u
cross join lateral (
    select array_agg(g.account_id) as accounts, array_agg(g.role) as roles
    from roles_of(u.id) as g
) as r
where u.id = %(user_id)s::integer and u.kind = 'user' and u.deleted_at is null and u.disabled_at is null;

-- name: touch_token
-- Write down a token's use; who finds another request doing that leaves it to it.
update tokens
set last_used_at = now()
where id = (select t.id from tokens as t where t.id = %(id)s::integer for update skip locked);

-- name: touch_session
-- Put off the end of a session that is in use.
update sessions
set expires_at = now() + make_interval(days => %(days)s::integer)
where
    digest = (
        select s.digest from sessions as s where s.digest = %(digest)s::bytea for update skip locked
    );

-- name: create_token -> Token
-- A new token; only its digest is kept.
with made as (
    insert into tokens (user_id, name, digest, hint, scope, bound_to, expires_at)
    values (
        %(user_id)s::integer, %(name)s, %(digest)s::bytea, %(hint)s, %(scope)s, %(bound_to)s::integer,
        %(expires_at)s::timestamptz
    )
    returning id, name, hint, scope, bound_to, created_at, expires_at, last_used_at
)

select m.id, m.name, m.hint, m.scope, a.name as bound_to, m.created_at, m.expires_at, m.last_used_at
from made as m
left join accounts as a on m.bound_to = a.id;

-- name: tokens_of -> Token
-- A user's tokens, newest first.
select t.id, t.name, t.hint, t.scope, a.name as bound_to, t.created_at, t.expires_at, t.last_used_at
from tokens as t
left join accounts as a on t.bound_to = a.id
where t.user_id = %(user_id)s::integer
order by t.id desc;

-- name: token -> Token
-- One token, by its number and user.
select t.id, t.name, t.hint, t.scope, a.name as bound_to, t.created_at, t.expires_at, t.last_used_at
from tokens as t
left join accounts as a on t.bound_to = a.id
where t.id = %(id)s::integer and t.user_id = %(user_id)s::integer;

-- name: delete_token
-- End a token.
delete from tokens where id = %(id)s::integer and user_id = %(user_id)s::integer;

-- name: token_owner
-- Whose token has that digest, valid or not.
select user_id from tokens where digest = %(digest)s::bytea;

-- name: restore_token
-- Make a token of the administrator's valid again, with the widest scope.
update tokens
set scope = 'admin', bound_to = null, expires_at = null
where digest = %(digest)s::bytea and (scope <> 'admin' or bound_to is not null or expires_at is not null);

-- name: password_of -> PasswordHash
-- Who signs in with that name or email address, and the hash of his password.
select id, password_hash
from accounts
where
    kind = 'user' and deleted_at is null and disabled_at is null
    and (lower(name) = lower(%(login)s::text) or (email is not null and lower(email) = lower(%(login)s::text)));

-- name: create_session
-- A new session of the web, if the password that was verified (null: it was a token) is still the user's; returns when
-- it ends.
insert into sessions (digest, user_id, expires_at)
select %(digest)s::bytea, a.id, now() + make_interval(days => %(days)s::integer)
from accounts as a
where
    a.id = %(user_id)s::integer and a.deleted_at is null and a.disabled_at is null
    and (%(password_hash)s::text is null or a.password_hash = %(password_hash)s::text)
returning expires_at;

-- name: set_password_hash
-- The same password, hashed anew.
update accounts set password_hash = %(password_hash)s::text where id = %(id)s::integer and deleted_at is null;

-- name: delete_session
-- Sign out.
delete from sessions where digest = %(digest)s::bytea;

-- name: delete_sessions
-- End a user's sessions, but for the one that he is using.
delete from sessions where user_id = %(user_id)s::integer and digest <> %(but)s::bytea;

-- name: forget_expired_sessions
-- Clear away sessions that have ended.
delete from sessions where expires_at < now();

-- name: count_attempt
-- Count an attempt, if fewer were made than may be since its window began; of several at once, each has its turn.
insert into attempts as a (digest, count, ends_at)
values (%(digest)s::bytea, 1, now() + make_interval(secs => %(seconds)s::integer))
on conflict (digest) do update
set
    count = case when a.ends_at <= now() then 1 else a.count + 1 end,
    ends_at = case when a.ends_at <= now() then excluded.ends_at else a.ends_at end
where a.ends_at <= now() or a.count < %(times)s::integer
returning true;

-- name: next_attempt_in
-- After how many seconds one may try again.
select greatest(1, ceil(extract(epoch from ends_at - now())))::integer
from attempts
where digest = %(digest)s::bytea;

-- name: forget_old_attempts
-- Clear away the counts of windows that have ended.
delete from attempts where ends_at <= now();

-- name: forget_expired_grants
-- Clear away device requests that nobody can use any more.
delete from device_grants where expires_at < now();

-- name: create_device_grant
-- A device that asks to be let in.
insert into device_grants (device_digest, user_code, client_id, expires_at)
values (%(digest)s::bytea, %(user_code)s, %(client_id)s, now() + make_interval(secs => %(seconds)s::integer));

-- name: poll_device_grant -> DevicePoll
-- Where a device's request stands. Writes down the poll, to know a device that asks too often.
with asked as (
    select device_digest, polled_at from device_grants where device_digest = %(digest)s::bytea for update
)

update device_grants as d
set polled_at = now()
from asked as a
where d.device_digest = a.device_digest
returning
    d.user_id, d.client_id, d.denied, d.expires_at <= now() as expired,
    coalesce(a.polled_at > now() - make_interval(secs => %(least)s::double precision), false) as hurried;

-- name: take_device_grant
-- Use up an approved request; the number of rows says who came first.
delete from device_grants where device_digest = %(digest)s::bytea and user_id is not null and not denied;

-- name: device_request -> DeviceRequest
-- The device that shows this code and waits for an answer.
select user_code, client_id, expires_at
from device_grants
where user_code = %(user_code)s::text and user_id is null and not denied and expires_at > now();

-- name: decide_device_grant
-- Let a waiting device in for a user, or turn it away.
update device_grants
set user_id = case when %(approve)s::boolean then %(user_id)s::integer end, denied = not %(approve)s::boolean
where user_code = %(user_code)s::text and user_id is null and not denied and expires_at > now();

-- name: hold_still
-- Keep items still before any of them is deleted (the function is what the catalog calls too; it is above this room, and
-- deleting an account must not leave anything of its own behind until some job comes round).
select hold_items_still();

-- name: hold_accounts
-- Keep accounts from being given anything new (what they own refers to their rows) until the transaction ends.
select id from accounts where id = any(%(ids)s::integer []) and deleted_at is null order by id for update;

-- name: hold_versions_of
-- Keep the versions of accounts from being linked anywhere until the transaction ends, before somebody asks who holds them.
select v.id
from versions as v
inner join items as a on v.artifact_id = a.id
where a.owner_id = any(%(ids)s::integer []) and v.state = 'committed'
order by v.id
for update of v;

-- name: holders -> Holder
-- The entries of registries that let nothing go, of versions that are about to be deleted: some by their items, or all of
-- an artifact, of a project, or of accounts. Registries of those accounts themselves don't count. Those that the reader sees
-- come first; `total` counts all.
with going as (
    select unnest(%(items)s::integer []) as item_id
    union
    select v.item_id from versions as v where v.artifact_id = %(artifact_id)s::integer and v.state = 'committed'
    union
    select p.id
    from items as p
    where p.container_id = %(project_id)s::integer and p.kind = 'version' and p.deleted_at is null
    union
    select o.id
    from items as o
    where o.owner_id = any(%(owners)s::integer []) and o.kind = 'version' and o.deleted_at is null
)

select
    g.name as organization, r.display_name as registry, k.title as collection, n.number, i.name as held,
    readable(k.visibility, k.owner_id, %(everything)s, %(accounts)s::integer []) as seen, count(*) over () as total
from going as w
inner join entries as e on w.item_id = e.item_id
inner join items as i on w.item_id = i.id
inner join items as k on e.collection_id = k.id
inner join accounts as r on k.owner_id = r.id
inner join registries as s on r.id = s.account_id
inner join accounts as g on r.organization_id = g.id
inner join entry_numbers as n on e.collection_id = n.collection_id and e.item_id = n.item_id
where k.deleted_at is null and r.deleted_at is null and s.on_deletion = 'refuse'
and r.id <> all(coalesce(%(owners)s::integer [], '{}'))
order by seen desc, organization, registry, collection, n.number
limit %(limit)s::integer;

-- name: delete_items_of
-- Everything that deleted accounts owned goes with them, softly like every item: a trigger closes the entries elsewhere.
with gone as (
    update items
    set deleted_at = now(), deleted_by = %(actor_id)s::integer
    where owner_id = any(%(ids)s::integer []) and deleted_at is null
    returning id, kind
)

update versions as v
set state = 'deleted', deleted_at = now(), updated_at = now()
from gone as g
where v.item_id = g.id and g.kind = 'version';

-- name: delete_accounts
-- Accounts end: their names are free again, nobody is a member any more, a team has no role in a registry any more, tokens,
-- sessions and device requests are gone.
with
tokens_gone as (
    delete from tokens where user_id = any(%(ids)s::integer []) or bound_to = any(%(ids)s::integer [])
),

sessions_gone as (delete from sessions where user_id = any(%(ids)s::integer [])),

grants_gone as (delete from device_grants where user_id = any(%(ids)s::integer [])),

roles_gone as (
    delete from registry_teams where team_id = any(%(ids)s::integer []) or registry_id = any(%(ids)s::integer [])
),

memberships_gone as (
    delete from memberships where user_id = any(%(ids)s::integer []) or account_id = any(%(ids)s::integer [])
)

update accounts
set deleted_at = now(), is_admin = false, password_hash = null, email = null
where id = any(%(ids)s::integer []) and deleted_at is null;

-- name: hold_first_start
-- Let one server at a time look whether there is an administrator yet.
select pg_advisory_xact_lock(1003, 0);

-- name: administrator -> Account
-- The administrator of the first start; another one when he is gone.
select id, kind, name, display_name, email, is_admin, organization_id, created_at
from accounts
where is_admin and deleted_at is null
order by lower(name) <> 'admin', id
limit 1;

-- name: own_account -> OwnAccount
-- A user with the account that he works in unless he says otherwise (his own, where it is gone or no longer his to see), and
-- his teams.
select
    a.id, a.name, a.display_name, a.email, a.is_admin, coalesce(d.name, a.name) as default_account, g.team_ids, g.teams
from accounts as a
left join accounts as d on a.default_account_id = d.id and d.deleted_at is null
    and (%(everything)s::boolean or d.id = any(%(accounts)s::integer []))
cross join lateral (
    select
        coalesce(array_agg(t.id order by lower(t.name)), '{}') as team_ids,
        coalesce(array_agg(t.name order by lower(t.name)), '{}') as teams
    from memberships as m
    inner join accounts as t on m.account_id = t.id
    where
        m.user_id = a.id and t.kind = 'team' and t.deleted_at is null
        and (%(everything)s::boolean or t.id = any(%(accounts)s::integer []))
) as g
where a.id = %(user_id)s::integer and a.deleted_at is null;

-- name: set_default_account
-- The account that a user works in unless he says otherwise.
update accounts
set default_account_id = %(account_id)s::integer
where id = %(user_id)s::integer and deleted_at is null;

-- name: accounts_by_ids -> Account
-- Users, organizations and teams by their numbers.
select id, kind, name, display_name, email, is_admin, organization_id, created_at
from accounts
where id = any(%(ids)s::integer []) and kind <> 'registry' and deleted_at is null;

-- name: organizations_around -> Account
-- The organizations that a user is a member of, himself or in a team, as far as the reader may know, by name.
select o.id, o.kind, o.name, o.display_name, o.email, o.is_admin, o.organization_id, o.created_at
from accounts as o
where
    o.kind = 'organization' and o.deleted_at is null
    and exists (
        select 1
        from memberships as m
        inner join accounts as a on m.account_id = a.id
        where
            m.user_id = %(user_id)s::integer and a.deleted_at is null
            and (a.id = o.id or (a.kind = 'team' and a.organization_id = o.id))
            and (%(everything)s::boolean or a.id = any(%(accounts)s::integer []))
    )
order by lower(o.name);

-- name: search_users
-- Users whose name has some text in it, or whose email address it is; a part of an address finds who may see it. First
-- those who are called so, then the others, by name. The rank is the first column, a user the others.
select f.rank, f.id, f.kind, f.name, f.display_name, f.email, f.is_admin, f.organization_id, f.created_at
from (
    select
        a.id, a.kind, a.name, a.display_name, a.email, a.is_admin, a.organization_id, a.created_at,
        case
            when lower(a.name) = lower(%(text)s::text) or lower(a.email) = lower(%(text)s::text) then 0
            when lower(a.display_name) = lower(%(text)s::text) then 1
            else 2
        end as rank
    from accounts as a
    where
        a.kind = 'user' and a.deleted_at is null
        and (%(names)s::text [] is null or lower(a.name) = any(%(names)s::text []))
        and (
            strpos(lower(a.name), lower(%(text)s::text)) > 0
            or strpos(lower(a.display_name), lower(%(text)s::text)) > 0
            or lower(a.email) = lower(%(text)s::text)
            or (
                (%(everything)s::boolean or a.id = %(user_id)s::integer)
                and strpos(lower(a.email), lower(%(text)s::text)) > 0
            )
        )
) as f
where (f.rank, lower(f.name)) > (%(rank)s::integer, %(after)s::text)
order by f.rank, lower(f.name)
limit %(limit)s::integer;
