-- name: keep_blob
-- Write down that an account has a content, whole; what is there already stays as it is, but is as if it came just now.
insert into blobs (account_id, md5, size, version_id)
values (%(account_id)s::integer, %(md5)s::bytea, %(size)s::bigint, %(version_id)s::integer)
on conflict (account_id, md5) do update set created_at = now(), size = excluded.size
returning size;

-- name: held_blobs -> Blob
-- Which of many contents an account has. Those that nobody asked for of late are as if they came just now, so that they are
-- not collected before whoever asks has made use of them; locked in one order, for others may ask for the same.
with stale as (
    select b.md5
    from blobs as b
    where b.account_id = %(account_id)s::integer and b.md5 = any(%(md5s)s::bytea [])
    and b.created_at < now() - interval '1 hour'
    order by b.md5
    for update
),

touched as (
    update blobs as b
    set created_at = now()
    from stale
    where b.account_id = %(account_id)s::integer and b.md5 = stale.md5
    returning b.md5, b.size, b.version_id
)

select b.md5, b.size, b.version_id
from blobs as b
where b.account_id = %(account_id)s::integer and b.md5 = any(%(md5s)s::bytea [])
and (b.created_at >= now() - interval '1 hour' or b.md5 in (select t.md5 from touched as t));

-- name: lock_run_for_file
-- Hold a run while one of its files is written down, and say whose it is; its project, too, must still be there.
select p.owner_id
from runs as r
inner join items as p on r.project_id = p.id
where r.id = %(run_id)s::integer and r.deleted_at is null and p.deleted_at is null
for no key update of r;

-- name: put_run_file
-- Write down what a run's file of a name is now; returns the object that it was before.
with before as (
    select f.object_key from run_files as f where f.run_id = %(run_id)s::integer and f.name = %(name)s::text
),

written as (
    insert into run_files (run_id, name, object_key, size, md5, mimetype)
    values (
        %(run_id)s::integer, %(name)s::text, %(object_key)s::text, %(size)s::bigint, %(md5)s::bytea, %(mimetype)s::text
    )
    on conflict (run_id, name) do update
    set object_key = excluded.object_key, size = excluded.size, md5 = excluded.md5, mimetype = excluded.mimetype,
    updated_at = now()
    returning id
)

select b.object_key
from written as w
left join before as b on true;

-- name: collectable_blobs -> Collectable
-- A page of the blobs of all accounts that nothing refers to: no file of a committed version, no manifest. What came, or was
-- asked for, less than a day ago is kept; and so is what a draft that was begun before that may be about to use.
select b.account_id, b.md5
from blobs as b
where (b.account_id, b.md5) > (%(account_id)s::integer, %(md5)s::bytea)
and b.created_at < now() - interval '1 day'
and not exists (
    select 1
    from version_files as f
    inner join versions as v on f.version_id = v.id
    inner join items as a on v.artifact_id = a.id
    where f.md5 = b.md5 and v.state = 'committed' and a.owner_id = b.account_id
)
and not exists (
    select 1
    from manifests as m
    inner join versions as v on m.version_id = v.id
    inner join items as a on v.artifact_id = a.id
    where m.md5 = b.md5 and v.state <> 'deleted' and a.owner_id = b.account_id
)
and not exists (
    select 1
    from versions as v
    inner join items as a on v.artifact_id = a.id
    where v.state = 'pending' and v.created_at <= b.created_at + interval '1 hour' and a.owner_id = b.account_id
)
order by b.account_id, b.md5
limit %(limit)s::integer;

-- name: collect_blob
-- Forget a blob, unless somebody asked for it since it was found.
delete from blobs as b
where b.account_id = %(account_id)s::integer and b.md5 = %(md5)s::bytea and b.created_at < now() - interval '1 day'
returning b.account_id;

-- name: claim_missing_blob
-- Take the place of a blob that is not written down, so that whoever is just about to do so waits; null where there is one.
insert into blobs (account_id, md5, size)
select a.id, %(md5)s::bytea, 0
from accounts as a
where a.id = %(account_id)s::integer
on conflict (account_id, md5) do nothing
returning account_id;

-- name: give_up_claim
-- Leave the place of a blob again.
delete from blobs where account_id = %(account_id)s::integer and md5 = %(md5)s::bytea;

-- name: known_blobs
-- Which of many blobs are written down.
select b.account_id, b.md5
from unnest(%(account_ids)s::integer [], %(md5s)s::bytea []) as u (account_id, md5)
inner join blobs as b on u.account_id = b.account_id and u.md5 = b.md5;

-- name: known_run_objects
-- Which of many objects are files of runs.
select f.object_key
from unnest(%(run_ids)s::integer [], %(keys)s::text []) as u (run_id, object_key)
inner join run_files as f on u.run_id = f.run_id and u.object_key = f.object_key;
