-- name: version -> Version
-- A version by its number, a draft too while its artifact is there; whoever asks has to be one who sees it.
select f.*
from version_faces as f
inner join items as a on f.artifact_id = a.id
where f.id = %(id)s::integer and f.state <> 'deleted' and a.deleted_at is null;

-- name: versions_by_id -> Version
-- The committed ones of some versions, of those that a reader sees.
select f.*
from version_faces as f
where f.id = any(%(ids)s::integer []) and f.state = 'committed'
and version_seen(f.item_id, f.project_id, %(everything)s, %(accounts)s::integer []);

-- name: latest -> Version
-- What an artifact's alias `latest` names, else its newest committed version.
select f.*
from version_faces as f
where f.state = 'committed' and f.item_id = coalesce(
    (select a.item_id from entry_aliases as a where a.collection_id = %(artifact_id)s::integer and a.alias = 'latest'),
    (
        select v.item_id from versions as v
        where v.artifact_id = %(artifact_id)s::integer and v.number is not null and v.state = 'committed'
        order by v.number desc
        limit 1
    )
);

-- name: ways -> Way
-- The releases that hold a version.
select k.owner_id, k.visibility
from entries as e
inner join collections as c on e.collection_id = c.id
inner join items as k on e.collection_id = k.id
where e.item_id = %(item_id)s::integer and c.kind = 'release' and k.deleted_at is null;

-- name: with_digest
-- The newest committed version of an artifact that has a digest.
select v.id
from versions as v
where v.artifact_id = %(artifact_id)s::integer and v.digest = %(digest)s::text and v.state = 'committed'
order by v.number desc
limit 1;

-- name: begun_before
-- The version of an artifact that a client began under a name of its own, with the same digest.
select v.id
from client_ids as c
inner join versions as v on c.version_id = v.id
where c.client_id = %(client_id)s::text and v.artifact_id = %(artifact_id)s::integer and v.digest = %(digest)s::text
and v.state <> 'deleted';

-- name: begin
-- A new draft or, where writers share one, that one; what it shall be called is what all of them say.
insert into versions as v (
    artifact_id, digest, digest_algorithm, description, metadata, tags, aliases, ttl_seconds, history_step,
    storage_region, distributed_id, user_id, run_id
)
values (
    %(artifact_id)s::integer, %(digest)s::text, %(digest_algorithm)s::text, %(description)s::text, %(metadata)s::jsonb,
    %(tags)s::text [], %(aliases)s::text [], %(ttl_seconds)s::bigint, %(history_step)s::bigint,
    %(storage_region)s::text, %(distributed_id)s::text, %(user_id)s::integer, %(run_id)s::integer
)
on conflict (artifact_id, distributed_id) where distributed_id is not null and state = 'pending' do update
set
    aliases = array(select distinct a.alias from unnest(v.aliases || excluded.aliases) as a (alias) order by a.alias),
    tags = array(select distinct t.tag from unnest(v.tags || excluded.tags) as t (tag) order by t.tag),
    metadata = case when excluded.metadata = '{}' then v.metadata else excluded.metadata end,
    description = coalesce(excluded.description, v.description),
    updated_at = now()
returning v.id;

-- name: remember_client
-- Let a name that a client made up stand for a version or an artifact; who has it already keeps it, unless it is another
-- version of the same owner's.
insert into client_ids as c (client_id, version_id, artifact_id)
values (%(client_id)s::text, %(version_id)s::integer, %(artifact_id)s::integer)
on conflict on constraint client_ids_pkey do update
set version_id = excluded.version_id
where excluded.version_id is not null and exists (
    select 1
    from versions as v
    inner join items as a on v.artifact_id = a.id
    where v.id = c.version_id and a.owner_id = %(owner_id)s::integer
);

-- name: client_target -> ClientTarget
-- What a name that a client made up stands for, as far as it is still there.
select
    case when v.state <> 'deleted' then c.version_id end as version_id,
    case when a.deleted_at is null then c.artifact_id end as artifact_id
from client_ids as c
left join versions as v on c.version_id = v.id
left join items as a on c.artifact_id = a.id
where c.client_id = %(client_id)s::text;

-- name: know_type
-- A project knows a type of artifacts from its first use on.
insert into artifact_types (project_id, name)
values (%(project_id)s::integer, %(name)s::text)
on conflict do nothing;

-- name: describe_type
-- Say something else of a type that a project knows; nothing said leaves it as it is.
update artifact_types as t
set description = %(description)s::text
where t.project_id = %(project_id)s::integer and t.name = %(name)s::text and %(description)s::text <> '';

-- name: keep_version
-- Keep a committed version from being deleted until the transaction ends.
select v.id from versions as v where v.id = %(id)s::integer and v.state = 'committed' for key share;

-- name: hold_version -> Draft
-- A version, locked until the transaction ends, as far as a change of it needs it.
select
    v.id, v.state, v.artifact_id, a.container_id as project_id, a.owner_id, v.item_id,
    p.visibility as project_visibility, v.aliases, v.digest
from versions as v
inner join items as a on v.artifact_id = a.id
inner join items as p on a.container_id = p.id
where v.id = %(id)s::integer and v.state <> 'deleted' and a.deleted_at is null
for update of v;

-- name: hold_versions_of
-- Keep an artifact's versions and drafts from being linked, committed or deleted until the transaction ends.
select v.item_id
from versions as v
where v.artifact_id = %(artifact_id)s::integer and v.state <> 'deleted'
order by v.id
for update;

-- name: update_version
-- New values of a version; null leaves one as it is, an empty description takes it away.
update versions
set
    description = case
        when %(description)s::text is null then description else nullif(%(description)s::text, '')
    end,
    metadata = coalesce(%(metadata)s::jsonb, metadata),
    tags = coalesce(%(tags)s::text [], tags),
    ttl_seconds = case when %(ttl_changes)s::boolean then %(ttl_seconds)s::bigint else ttl_seconds end,
    updated_at = now()
where id = %(id)s::integer;

-- name: delete_versions
-- Versions end; what remains of them says what they were.
with gone as (
    update versions
    set state = 'deleted', deleted_at = now(), updated_at = now()
    where item_id = any(%(items)s::integer []) and state = 'committed'
    returning item_id
)

update items as i
set deleted_at = now(), deleted_by = %(actor_id)s::integer, updated_at = now()
from gone as g
where i.id = g.item_id;

-- name: discard
-- Give a draft up, with its manifests.
delete from versions where id = %(id)s::integer and state = 'pending';

-- name: holding -> Holding
-- The collections that hold versions, in the order in which to lock them; `stays` where an entry says what a deleted version
-- was.
select
    e.collection_id, e.item_id,
    c.kind = 'release' and exists (select 1 from registries as r where r.account_id = k.owner_id) as stays
from entries as e
inner join collections as c on e.collection_id = c.id
inner join items as k on e.collection_id = k.id
where e.item_id = any(%(items)s::integer []) and c.kind <> 'showcase' and k.deleted_at is null
order by e.collection_id, e.item_id;

-- name: has_alias
-- Whether a version has any alias, in whatever collection.
select exists (
    select 1
    from entry_aliases as a
    inner join items as k on a.collection_id = k.id
    where a.item_id = %(item_id)s::integer and k.deleted_at is null
);

-- name: kind_and_types
-- Whether a collection is an artifact, and what it accepts.
select c.kind, c.types from collections as c where c.id = %(id)s::integer;

-- name: project_of_run
-- The project that a run is in.
select r.project_id from runs as r where r.id = %(run_id)s::integer and r.deleted_at is null;

-- name: commit_version
-- A draft becomes a version: an item, under the number that its artifact gives next.
with item as (
    insert into items (kind, owner_id, container_id, name, name_key, title, visibility)
    select
        'version', a.owner_id, p.id, p.name || '/' || a.title || ':v' || n.number, a.id || ':v' || n.number,
        a.title || ':v' || n.number, p.visibility
    from (
        select coalesce(max(e.number) + 1, 0) as number
        from entry_numbers as e
        where e.collection_id = %(artifact_id)s::integer
    ) as n
    cross join items as a
    inner join items as p on a.container_id = p.id
    where a.id = %(artifact_id)s::integer
    returning id, name_key
)

update versions as v
set
    state = 'committed', item_id = i.id, number = split_part(i.name_key, ':v', 2)::integer, digest = %(digest)s::text,
    size = %(size)s::bigint, file_count = %(file_count)s::bigint, aliases = '{}', distributed_id = null,
    committed_at = clock_timestamp(), updated_at = clock_timestamp()
from item as i
where v.id = %(id)s::integer
returning v.item_id;

-- name: add_files
-- The files of a version, a few.
insert into version_files (version_id, number, path, digest, md5, size, reference, birth_id, extra)
select
    %(version_id)s::integer, f.number, f.path, f.digest, f.md5, f.size, f.reference, f.birth_id, f.extra
from unnest(
    %(numbers)s::integer [], %(paths)s::text [], %(digests)s::text [], %(md5s)s::bytea [], %(sizes)s::bigint [],
    %(references)s::text [], %(births)s::integer [], %(extras)s::jsonb []
) as f (number, path, digest, md5, size, reference, birth_id, extra);

-- name: copy_files
-- The files of a version, as PostgreSQL's binary COPY format.
copy version_files (version_id, number, path, digest, md5, size, reference, birth_id, extra)
from stdin with (format binary);

-- name: create_manifest -> Manifest
-- A list of files that somebody is about to upload.
with made as (
    insert into manifests (version_id, name, type, base_version_id, md5)
    values (
        %(version_id)s::integer, %(name)s::text, %(type)s::text, %(base_id)s::integer, %(md5)s::bytea
    )
    returning *
)

select m.id, m.version_id, a.owner_id as account_id, m.name, m.type, m.base_version_id, m.md5, m.updated_at
from made as m
inner join versions as v on m.version_id = v.id
inner join items as a on v.artifact_id = a.id;

-- name: update_manifest
-- Say what a list of files will be; null leaves a value as it is.
update manifests
set
    md5 = coalesce(%(md5)s::bytea, md5), base_version_id = coalesce(%(base_id)s::integer, base_version_id),
    updated_at = clock_timestamp()
where id = %(id)s::integer;

-- name: manifest -> Manifest
-- A list of files by its number.
select m.id, m.version_id, a.owner_id as account_id, m.name, m.type, m.base_version_id, m.md5, m.updated_at
from manifests as m
inner join versions as v on m.version_id = v.id
inner join items as a on v.artifact_id = a.id
where m.id = %(id)s::integer;

-- name: manifests -> Manifest
-- The lists of files of a version of which somebody said what they will be, in the order in which he did.
select m.id, m.version_id, a.owner_id as account_id, m.name, m.type, m.base_version_id, m.md5, m.updated_at
from manifests as m
inner join versions as v on m.version_id = v.id
inner join items as a on v.artifact_id = a.id
where m.version_id = %(version_id)s::integer and m.md5 is not null
order by m.updated_at, m.id;

-- name: current_manifest -> Manifest
-- The list of files that a version has: the last complete one.
select m.id, m.version_id, a.owner_id as account_id, m.name, m.type, m.base_version_id, m.md5, m.updated_at
from manifests as m
inner join versions as v on m.version_id = v.id
inner join items as a on v.artifact_id = a.id
where m.version_id = %(version_id)s::integer and m.md5 is not null
order by m.type = 'full' desc, m.updated_at desc, m.id desc
limit 1;

-- name: files -> VersionFile
-- A page of a version's files in the order of their paths.
select f.number, f.path, f.digest, f.md5, f.size, f.reference, f.birth_id, f.extra
from version_files as f
where f.version_id = %(version_id)s::integer and f.number > %(after)s::integer
order by f.number
limit %(limit)s::integer;

-- name: files_named -> VersionFile
-- The same, of some paths, each looked up by itself. A path may be longer than what the index holds of it, hence its
-- beginning.
select f.number, f.path, f.digest, f.md5, f.size, f.reference, f.birth_id, f.extra
from (select distinct u.path from unnest(%(names)s::text []) as u (path)) as n
cross join lateral (
    select x.*
    from version_files as x
    where x.version_id = %(version_id)s::integer and left(x.path, 512) = left(n.path, 512) and x.path = n.path
    offset 0
) as f
order by f.number;

-- name: file_with
-- The size of the content of that MD5, if a version has it.
select f.size from version_files as f
where f.version_id = %(version_id)s::integer and f.md5 = %(md5)s::bytea
limit 1;

-- name: versions_with
-- Committed versions of an owner that have a content, the newest first.
select v.id
from versions as v
inner join items as a on v.artifact_id = a.id
where v.state = 'committed' and a.owner_id = %(owner_id)s::integer and a.deleted_at is null
and exists (select 1 from version_files as f where f.version_id = v.id and f.md5 = %(md5)s::bytea)
order by v.id desc
limit %(limit)s::integer;

-- name: membership
-- An artifact or release as one reader sees it, by its id, its public id or its name in its place, and the version that an
-- alias or a number names in it, or that an item is: the columns of a `Card`, then those of a `Placed`, null where none is.
select
    c.id, c.kind, c.public_id, i.title, i.name as words, c.types, c.description, c.tags, i.owner_id, o.name as owner,
    o.kind as owner_kind, o.display_name as owner_title, o.organization_id, g.name as organization, i.container_id,
    p.name as container, i.visibility, c.revision, c.entry_count, i.created_at, c.updated_at,
    e.*
from collections as c
inner join items as i on c.id = i.id
inner join accounts as o on i.owner_id = o.id
left join accounts as g on o.organization_id = g.id
left join items as p on i.container_id = p.id
left join lateral (
    select x.*
    from version_entries as x
    where x.collection_id = c.id and x.state = 'committed' and x.item_id = coalesce(
        %(item_id)s::integer,
        (
            select n.item_id from entry_numbers as n
            where n.collection_id = c.id and n.number = %(number)s::integer
        ),
        (select a.item_id from entry_aliases as a where a.collection_id = c.id and a.alias = %(alias)s::text)
    )
    offset 0
) as e on true
where c.id = coalesce(
    %(id)s::integer,
    (select n.id from collections as n where n.public_id = %(public_id)s::text),
    (
        select k.id from items as k
        where k.kind = 'collection' and k.owner_id = %(owner_id)s::integer
        and k.container_id is not distinct from %(container_id)s::integer and k.name_key = %(name_key)s::text
        and k.deleted_at is null
    )
)
and c.kind <> 'showcase' and i.deleted_at is null
and readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s::integer []);

-- name: placed -> Placed
-- Versions as they stand in collections, by pairs of collection and item, deleted ones too; each looked up by itself.
select e.*
from unnest(%(collections)s::integer [], %(items)s::integer []) as w (collection_id, item_id)
cross join lateral (
    select x.* from version_entries as x where x.collection_id = w.collection_id and x.item_id = w.item_id offset 0
) as e;

-- name: places_of_items -> Placed
-- Versions as they stand in every collection that a reader sees, their own artifacts first.
select e.*
from version_entries as e
inner join items as k on e.collection_id = k.id
where e.item_id = any(%(items)s::integer []) and k.deleted_at is null
and readable(k.visibility, k.owner_id, %(everything)s, %(accounts)s::integer [])
order by e.item_id, e.collection_id <> e.artifact_id, e.linked_at, e.collection_id;

-- name: newest_in -> Placed
-- A page of the versions of a collection, the highest number first.
select e.*
from version_entries as e
where e.collection_id = %(id)s::integer and e.entry_number < %(below)s::integer
and (%(tombstones)s::boolean or e.state = 'committed')
order by e.entry_number desc
limit %(limit)s::integer;

-- name: oldest_in -> Placed
-- A page of the versions of a collection, the lowest number first.
select e.*
from version_entries as e
where e.collection_id = %(id)s::integer and e.entry_number > %(above)s::integer
and (%(tombstones)s::boolean or e.state = 'committed')
order by e.entry_number
limit %(limit)s::integer;

-- name: last_created_in -> Placed
-- A page of the versions of a collection, those first that were begun last. Which they are is found first, and then what
-- there is to say of them.
select e.*
from unnest(array(
    select n.item_id
    from entries as n
    inner join versions as v on n.item_id = v.item_id
    where n.collection_id = %(id)s::integer
    and (v.created_at, v.id) < (coalesce(%(at)s::timestamptz, 'infinity'), coalesce(%(last)s::integer, 0))
    and (%(tombstones)s::boolean or v.state = 'committed')
    order by v.created_at desc, v.id desc
    limit %(limit)s::integer
)) with ordinality as w (item_id, turn)
cross join lateral (
    select x.* from version_entries as x where x.collection_id = %(id)s::integer and x.item_id = w.item_id offset 0
) as e
order by w.turn;

-- name: first_created_in -> Placed
-- A page of the versions of a collection, those first that were begun first. Which they are is found first, and then what
-- there is to say of them.
select e.*
from unnest(array(
    select n.item_id
    from entries as n
    inner join versions as v on n.item_id = v.item_id
    where n.collection_id = %(id)s::integer
    and (v.created_at, v.id) > (coalesce(%(at)s::timestamptz, '-infinity'), coalesce(%(last)s::integer, 0))
    and (%(tombstones)s::boolean or v.state = 'committed')
    order by v.created_at, v.id
    limit %(limit)s::integer
)) with ordinality as w (item_id, turn)
cross join lateral (
    select x.* from version_entries as x where x.collection_id = %(id)s::integer and x.item_id = w.item_id offset 0
) as e
order by w.turn;

-- name: types -> ArtifactType
-- The types of artifacts that a project knows, by name.
select t.id, t.name, t.description, t.created_at
from artifact_types as t
where t.project_id = %(project_id)s::integer and (%(name)s::text is null or t.name = %(name)s::text)
order by t.name;

-- name: collections_in
-- A page of the artifacts and releases of a project, of all or of a type, by name.
select c.id, i.title
from items as i
inner join collections as c on i.id = c.id
where i.container_id = %(project_id)s::integer and i.kind = 'collection' and i.deleted_at is null
and (%(type)s::text is null or %(type)s::text = any(c.types))
and (%(kind)s::text is null or c.kind = %(kind)s::text)
and (i.title, i.id) > (%(after)s::text, %(after_id)s::integer)
order by i.title, i.id
limit %(limit)s::integer;

-- name: count_collections_in
-- How many artifacts and releases a project has, of all types or of one.
select count(*)::integer
from items as i
inner join collections as c on i.id = c.id
where i.container_id = %(project_id)s::integer and i.kind = 'collection' and i.deleted_at is null
and (%(type)s::text is null or %(type)s::text = any(c.types))
and (%(kind)s::text is null or c.kind = %(kind)s::text);

-- name: refusing_type
-- The releases that hold versions of an artifact and don't accept a type: those that a reader sees by their titles, and null
-- for the others.
select case when readable(k.visibility, k.owner_id, %(everything)s, %(accounts)s::integer []) then k.title end as title
from versions as v
inner join entries as e on v.item_id = e.item_id
inner join collections as c on e.collection_id = c.id
inner join items as k on e.collection_id = k.id
where v.artifact_id = %(artifact_id)s::integer and v.state = 'committed' and c.kind = 'release'
and k.deleted_at is null and not %(type)s::text = any(c.types)
group by 1
order by 1
limit 5;

-- name: set_types
-- The types of versions that a collection accepts.
update collections set types = %(types)s::text [] where id = %(id)s::integer;

-- name: end_artifact
-- Mark an artifact as deleted.
update items
set deleted_at = now(), deleted_by = %(actor_id)s::integer, updated_at = now()
where id = %(id)s::integer;

-- name: add_input
-- A run reads a version; the first time counts.
insert into run_inputs (run_id, version_id, through_id, used_as)
values (%(run_id)s::integer, %(version_id)s::integer, %(through_id)s::integer, %(used_as)s::text)
on conflict on constraint run_inputs_pkey do nothing;

-- name: add_output
-- A run has made a version, or logged it again.
insert into run_outputs (run_id, version_id)
values (%(run_id)s::integer, %(version_id)s::integer)
on conflict on constraint run_outputs_pkey do nothing;

-- name: run_refs -> RunRef
-- Runs by their numbers, those that a reader sees.
select
    r.id, r.name, r.display_name, r.project_id, p.name as project, p.owner_id, o.name as owner, r.created_at
from runs as r
inner join items as p on r.project_id = p.id
inner join accounts as o on p.owner_id = o.id
where r.id = any(%(ids)s::integer []) and r.deleted_at is null and p.deleted_at is null
and readable(p.visibility, p.owner_id, %(everything)s, %(accounts)s::integer []);

-- name: used_by -> RunRef
-- A page of the runs that read a version, of those that a reader sees, the last first.
select
    r.id, r.name, r.display_name, r.project_id, p.name as project, p.owner_id, o.name as owner, r.created_at
from run_inputs as n
inner join runs as r on n.run_id = r.id
inner join items as p on r.project_id = p.id
inner join accounts as o on p.owner_id = o.id
where n.version_id = %(version_id)s::integer and n.run_id < %(below)s::integer
and r.deleted_at is null and p.deleted_at is null
and readable(p.visibility, p.owner_id, %(everything)s, %(accounts)s::integer [])
order by r.id desc
limit %(limit)s::integer;

-- name: inputs
-- A page of the versions that a run read, of those that a reader sees, in the order in which it did.
select n.version_id, n.created_at
from run_inputs as n
inner join version_faces as f on n.version_id = f.id
where n.run_id = %(run_id)s::integer and f.state = 'committed'
and (n.created_at, n.version_id) > (coalesce(%(at)s::timestamptz, '-infinity'), coalesce(%(last)s::integer, 0))
and version_seen(f.item_id, f.project_id, %(everything)s, %(accounts)s::integer [])
order by n.created_at, n.version_id
limit %(limit)s::integer;

-- name: outputs
-- A page of the versions that a run made or logged again, of those that a reader sees, in the order in which it did.
select n.version_id, n.created_at
from run_outputs as n
inner join version_faces as f on n.version_id = f.id
where n.run_id = %(run_id)s::integer and f.state = 'committed'
and (n.created_at, n.version_id) > (coalesce(%(at)s::timestamptz, '-infinity'), coalesce(%(last)s::integer, 0))
and version_seen(f.item_id, f.project_id, %(everything)s, %(accounts)s::integer [])
order by n.created_at, n.version_id
limit %(limit)s::integer;

-- name: count_inputs
-- How many versions a run read, of those that a reader sees.
select count(*)::integer
from run_inputs as n
inner join version_faces as f on n.version_id = f.id
where n.run_id = %(run_id)s::integer and f.state = 'committed'
and version_seen(f.item_id, f.project_id, %(everything)s, %(accounts)s::integer []);

-- name: count_outputs
-- How many versions a run made or logged again, of those that a reader sees.
select count(*)::integer
from run_outputs as n
inner join version_faces as f on n.version_id = f.id
where n.run_id = %(run_id)s::integer and f.state = 'committed'
and version_seen(f.item_id, f.project_id, %(everything)s, %(accounts)s::integer []);

-- name: version_nodes -> VersionNode
-- Versions as nodes of a graph, those that a reader sees; drafts only where the graph begins at one.
select
    f.id, f.item_id, f.number, f.state, f.digest, f.type, f.artifact, f.artifact_id, f.project_id, f.project, f.owner,
    f.committed_at
from version_faces as f
where f.id = any(%(ids)s::integer [])
and (f.state = 'committed' or (%(drafts)s::boolean and f.state = 'pending'))
and version_seen(f.item_id, f.project_id, %(everything)s, %(accounts)s::integer []);

-- name: edges_of_versions -> Edge
-- What joins some versions to runs, in one way: the runs that read them, or those that made them; of each version the last.
select e.run_id, e.version_id, %(kind)s::text as kind, e.used_as, e.created_at
from unnest(%(ids)s::integer []) with ordinality as w (id, turn)
cross join lateral (
    (
        select i.run_id, i.version_id, i.used_as, i.created_at
        from run_inputs as i
        where i.version_id = w.id and %(kind)s::text = 'input'
        order by i.run_id desc
        limit %(limit)s::integer
    )
    union all
    (
        select o.run_id, o.version_id, null, o.created_at
        from run_outputs as o
        where o.version_id = w.id and %(kind)s::text = 'output'
        order by o.run_id desc
        limit %(limit)s::integer
    )
) as e
order by w.turn, e.run_id desc
limit %(most)s::integer;

-- name: edges_of_runs -> Edge
-- What joins some runs to versions, in one way: the versions that they read, or those that they made; of each run the last.
select e.run_id, e.version_id, %(kind)s::text as kind, e.used_as, e.created_at
from unnest(%(ids)s::integer []) with ordinality as w (id, turn)
cross join lateral (
    (
        select i.run_id, i.version_id, i.used_as, i.created_at
        from run_inputs as i
        where i.run_id = w.id and %(kind)s::text = 'input'
        order by i.version_id desc
        limit %(limit)s::integer
    )
    union all
    (
        select o.run_id, o.version_id, null, o.created_at
        from run_outputs as o
        where o.run_id = w.id and %(kind)s::text = 'output'
        order by o.version_id desc
        limit %(limit)s::integer
    )
) as e
order by w.turn, e.version_id desc
limit %(most)s::integer;

-- name: left_behind -> Holding
-- Entries of versions that were deleted with their project or their owner, in releases that keep no note of them.
select e.collection_id, e.item_id, false as stays
from items as i
inner join entries as e on i.id = e.item_id
inner join collections as c on e.collection_id = c.id
inner join items as k on e.collection_id = k.id
where i.kind = 'version' and i.deleted_at is not null and c.kind = 'release' and k.deleted_at is null
and not exists (select 1 from registries as r where r.account_id = k.owner_id)
order by e.collection_id, e.item_id
limit %(limit)s::integer;

-- name: expired
-- Versions past their time to live that no registry holds: all, or whether one is among them.
select v.id
from versions as v
where v.state = 'committed' and v.ttl_seconds > 0 and (%(id)s::integer is null or v.id = %(id)s::integer)
and v.committed_at + make_interval(secs => v.ttl_seconds) < now()
and not exists (
    select 1
    from entries as e
    inner join items as k on e.collection_id = k.id
    inner join registries as r on k.owner_id = r.account_id
    where e.item_id = v.item_id and k.deleted_at is null
)
order by v.committed_at
limit %(limit)s::integer;

-- name: forget_drafts
-- Give up drafts that were begun before a moment and not changed since.
delete from versions as v
where v.state = 'pending' and v.created_at < %(before)s::timestamptz and v.updated_at < %(before)s::timestamptz
and not exists (
    select 1 from manifests as m where m.version_id = v.id and m.updated_at >= %(before)s::timestamptz
);

-- name: forget_files
-- Forget which files a deleted version had, of those deleted before a moment; a version at a time.
delete from version_files as f
where f.version_id = (
    select v.id
    from versions as v
    where v.state = 'deleted' and v.deleted_at < %(before)s::timestamptz
    and exists (select 1 from version_files as x where x.version_id = v.id)
    order by v.id
    limit 1
);
