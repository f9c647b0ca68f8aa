-- name: account -> Account
-- The account of that name, whatever its kind; names are looked up without case.
select id, kind, name, display_name, email, is_admin, organization_id, created_at
from accounts
where lower(name) = lower(%(name)s::text) and deleted_at is null;

-- name: keep_account -> Account
-- The same, kept from being deleted until the transaction ends: for whoever makes something that it will own.
select id, kind, name, display_name, email, is_admin, organization_id, created_at
from accounts
where lower(name) = lower(%(name)s::text) and deleted_at is null
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

-- name: teams -> Account
-- The teams of an organization, by name.
select id, kind, name, display_name, email, is_admin, organization_id, created_at
from accounts
where organization_id = %(organization_id)s::integer and deleted_at is null
order by lower(name);

-- name: memberships_of -> Membership
-- The organizations and teams that a user is a member of, as far as the reader may know; what a team is to an admin of its
-- organization is not a membership.
select a.id, a.kind, a.name, a.display_name, a.email, a.is_admin, a.organization_id, a.created_at, m.role
from memberships as m
inner join accounts as a on m.account_id = a.id
where
    m.user_id = %(user_id)s::integer and a.deleted_at is null
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
-- End a membership and, when it is one of an organization, those of its teams; returns the role that it had.
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
where t.digest = %(digest)s::bytea and u.deleted_at is null;

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
where s.digest = %(digest)s::bytea and u.deleted_at is null;

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
where u.id = %(user_id)s::integer and u.kind = 'user' and u.deleted_at is null;

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
    kind = 'user' and deleted_at is null
    and (lower(name) = lower(%(login)s::text) or (email is not null and lower(email) = lower(%(login)s::text)));

-- name: create_session
-- A new session of the web, if the password that was verified (null: it was a token) is still the user's; returns when
-- it ends.
insert into sessions (digest, user_id, expires_at)
select %(digest)s::bytea, a.id, now() + make_interval(days => %(days)s::integer)
from accounts as a
where
    a.id = %(user_id)s::integer and a.deleted_at is null
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

-- name: delete_items_of
-- Everything that deleted accounts owned goes with them, softly like every item: a trigger closes the entries elsewhere.
update items
set deleted_at = now(), deleted_by = %(actor_id)s::integer
where owner_id = any(%(ids)s::integer []) and deleted_at is null;

-- name: delete_accounts
-- Accounts end: their names are free again, nobody is a member any more, tokens, sessions and device requests are gone.
with
tokens_gone as (
    delete from tokens where user_id = any(%(ids)s::integer []) or bound_to = any(%(ids)s::integer [])
),

sessions_gone as (delete from sessions where user_id = any(%(ids)s::integer [])),

grants_gone as (delete from device_grants where user_id = any(%(ids)s::integer [])),

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
