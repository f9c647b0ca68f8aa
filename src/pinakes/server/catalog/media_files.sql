-- name: known_files
-- Which of many files some accounts know. Those that nobody asked for of late are as if they came just now, so that they
-- are not purged before whoever asks has made use of them; locked in one order, for others may ask for the same.
with stale as (
    select f.account_id, f.sha256
    from media_files as f
    where f.account_id = any(%(account_ids)s::integer []) and f.sha256 = any(%(hashes)s::bytea [])
    and f.created_at < now() - interval '1 hour'
    order by f.account_id, f.sha256
    for no key update
),

touched as (
    update media_files as f
    set created_at = now()
    from stale
    where f.account_id = stale.account_id and f.sha256 = stale.sha256
    returning f.sha256
)

select distinct f.sha256
from media_files as f
where f.account_id = any(%(account_ids)s::integer []) and f.sha256 = any(%(hashes)s::bytea [])
and (f.created_at >= now() - interval '1 hour' or f.sha256 in (select t.sha256 from touched as t));

-- name: files_known -> FileFacts
-- What is known of files of an account.
select f.sha256, f.size, f.mime, coalesce(f.facts, '{}') as facts
from media_files as f
where f.account_id = %(account_id)s::integer and f.sha256 = any(%(hashes)s::bytea []);

-- name: files_elsewhere -> KnownFile
-- Files that one account does not know yet and others of some do; one row for each file.
select distinct on (f.sha256) f.account_id, f.sha256, f.size, f.mime, coalesce(f.facts, '{}') as facts
from media_files as f
where f.account_id = any(%(account_ids)s::integer []) and f.sha256 = any(%(hashes)s::bytea [])
and not exists (
    select 1 from media_files as k where k.account_id = %(account_id)s::integer and k.sha256 = f.sha256
)
order by f.sha256, f.account_id;

-- name: files_of_accounts -> KnownFile
-- Files that any of some accounts knows; one row for each file.
select distinct on (f.sha256) f.account_id, f.sha256, f.size, f.mime, coalesce(f.facts, '{}') as facts
from media_files as f
where f.account_id = any(%(account_ids)s::integer []) and f.sha256 = any(%(hashes)s::bytea [])
order by f.sha256, f.account_id;

-- name: claim_missing_file
-- Take the place of a file that is not written down: whoever is about to write it down waits for the end of the
-- transaction. Nothing, where it is written down.
insert into media_files (account_id, sha256, size)
values (%(account_id)s::integer, %(sha256)s::bytea, 0)
on conflict on constraint media_files_pkey do nothing
returning account_id;

-- name: give_up_file_claim
-- Leave that place again.
delete from media_files where account_id = %(account_id)s::integer and sha256 = %(sha256)s::bytea;

-- name: files_of_items -> KnownFile
-- The files of items that a reader sees which an account does not know yet; one row for each file.
select distinct on (f.sha256) f.account_id, f.sha256, f.size, f.mime, coalesce(f.facts, '{}') as facts
from media as m
inner join items as i on m.item_id = i.id
inner join media_files as f on i.owner_id = f.account_id and m.sha256 = f.sha256
where m.item_id = any(%(ids)s::integer []) and i.deleted_at is null
and readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s::integer [])
and not exists (
    select 1 from media_files as k where k.account_id = %(account_id)s::integer and k.sha256 = f.sha256
)
order by f.sha256, f.account_id;

-- name: keep_files
-- Write down that an account has files, whole; what is there already stays as it is, but is as if it came just now.
insert into media_files (account_id, sha256, size, mime, facts)
select %(account_id)s::integer, g.sha256, g.size, g.mime, g.facts
from unnest(%(hashes)s::bytea [], %(sizes)s::bigint [], %(mimes)s::text [], %(facts)s::jsonb []) as g (
    sha256, size, mime, facts
)
order by g.sha256
on conflict on constraint media_files_pkey do update
set created_at = now(), mime = excluded.mime, facts = excluded.facts;

-- name: unused_files -> Unused
-- A page of the files that nothing uses: no item, be it in the trash, no slice of a volume, no figure. What came, or was
-- asked for, less than a day ago is kept.
select f.account_id, f.sha256
from media_files as f
where (f.account_id, f.sha256) > (%(account_id)s::integer, %(sha256)s::bytea)
and f.created_at < now() - interval '1 day'
and not exists (
    select 1
    from media as m
    inner join items as i on m.item_id = i.id
    where m.sha256 = f.sha256 and i.owner_id = f.account_id
)
and not exists (
    select 1
    from volume_slices as s
    inner join items as i on s.item_id = i.id
    where s.sha256 = f.sha256 and i.owner_id = f.account_id
)
and not exists (select 1 from figures as g where g.geometry_file = f.sha256)
and not exists (select 1 from figure_history as h where h.geometry_file = f.sha256)
order by f.account_id, f.sha256
limit %(limit)s::integer;

-- name: hold_file
-- Lock a file that is about to be forgotten: who makes use of it has finished, and is seen by what comes after.
select f.sha256 from media_files as f
where f.account_id = %(account_id)s::integer and f.sha256 = %(sha256)s::bytea
for update;

-- name: forget_file
-- Forget a file that nothing uses; whoever is about to write it down waits until its bytes are gone too.
delete from media_files as f
where f.account_id = %(account_id)s::integer and f.sha256 = %(sha256)s::bytea
and f.created_at < now() - interval '1 day'
and not exists (
    select 1
    from media as m
    inner join items as i on m.item_id = i.id
    where m.sha256 = f.sha256 and i.owner_id = f.account_id
)
and not exists (
    select 1
    from volume_slices as s
    inner join items as i on s.item_id = i.id
    where s.sha256 = f.sha256 and i.owner_id = f.account_id
)
and not exists (select 1 from figures as g where g.geometry_file = f.sha256)
and not exists (select 1 from figure_history as h where h.geometry_file = f.sha256)
returning f.sha256;

-- name: files_written_down
-- Which of many files of accounts are written down.
select f.account_id, f.sha256
from media_files as f
inner join unnest(%(account_ids)s::integer [], %(hashes)s::bytea []) as g (account_id, sha256)
    on f.account_id = g.account_id and f.sha256 = g.sha256;
