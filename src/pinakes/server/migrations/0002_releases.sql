-- Projects with their runs and artifacts, registries, and what a release has beside a showcase: version numbers and
-- aliases.
--
-- A registry is an account of an organization, as a team is: it owns its collections, has members with roles, and so every
-- check and listing that knows accounts knows registries (docs/decisions/0008). An artifact, the named line of versions that
-- W&B calls a sequence, is a collection of kind `artifact` whose entries are its own versions; a release is one of kind
-- `release` whose entries are links. Both number their entries and give them aliases in the same tables.

-- ---------------------------------------------------------------------------------------------------------------------
-- Registries are accounts
-- ---------------------------------------------------------------------------------------------------------------------

alter table accounts
drop constraint accounts_kind_known,
drop constraint accounts_team_has_organization,
add column default_account_id integer,
add constraint accounts_kind_known check (kind in ('user', 'organization', 'team', 'registry')) not valid,
add constraint accounts_team_has_organization check (
    (kind in ('team', 'registry')) = (organization_id is not null)
) not valid;
alter table accounts validate constraint accounts_kind_known;
alter table accounts validate constraint accounts_team_has_organization;

-- A registry's `name` is its handle, given once and for all (`acme.fine-tuned-models`); people call it by its display name.
create unique index accounts_registry_name_taken on accounts (organization_id, lower(display_name))
where kind = 'registry' and deleted_at is null;

alter table memberships
drop constraint memberships_role_known,
add constraint memberships_role_known check (role in ('restricted_viewer', 'viewer', 'member', 'admin')) not valid;
alter table memberships validate constraint memberships_role_known;

-- `all_types`: whether artifacts of any type may be linked, or those of its `artifact_types` only. `on_deletion`: what
-- becomes of a deletion that would take a linked version away: it is refused, or the entry stays as a tombstone.
create table registries (
    account_id integer not null,
    visibility text not null default 'organization',
    description text not null default '',
    all_types boolean not null default true,
    on_deletion text not null default 'refuse',
    created_by integer,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint registries_pkey primary key (account_id),
    constraint registries_visibility_known check (visibility in ('organization', 'restricted')),
    constraint registries_on_deletion_known check (on_deletion in ('refuse', 'tombstone')),
    constraint registries_account_fkey foreign key (account_id) references accounts (id) on delete cascade
);

-- Teams that have a role in a registry: each of their members has it.
create table registry_teams (
    registry_id integer not null,
    team_id integer not null,
    role text not null,
    created_at timestamptz not null default now(),
    constraint registry_teams_pkey primary key (registry_id, team_id),
    constraint registry_teams_role_known check (role in ('restricted_viewer', 'viewer', 'member', 'admin')),
    constraint registry_teams_registry_fkey foreign key (registry_id) references accounts (id) on delete cascade,
    constraint registry_teams_team_fkey foreign key (team_id) references accounts (id) on delete cascade
);
create index registry_teams_by_team on registry_teams (team_id);

-- Aliases that only a registry's admins may set, move and remove; with `approvals`, only after so many people agreed.
create table protected_aliases (
    registry_id integer not null,
    alias text not null,
    approvals integer not null default 0,
    created_by integer,
    created_at timestamptz not null default now(),
    constraint protected_aliases_pkey primary key (registry_id, alias),
    constraint protected_aliases_approvals_range check (approvals between 0 and 20),
    constraint protected_aliases_registry_fkey foreign key (registry_id) references accounts (id) on delete cascade
);

-- Every role that a user holds, and why: his own account, his memberships, what an organization's role gives in its teams
-- (an admin of the organization is an admin of each of its teams) and in its registries. In a registry one role counts:
-- the one given to him, else the strongest of his teams, else, where the registry is open to its organization, the one
-- that he has there; an admin of the organization is an admin of each of its registries.
create or replace function roles_of(the_user integer) returns table (account_id integer, role text, because text)
language sql stable parallel safe
begin atomic
    select the_user, 'owner'::text, 'own account'::text
    where the_user is not null
    union all
    select m.account_id, m.role, 'membership'::text
    from memberships as m
    inner join accounts as a on m.account_id = a.id
    where m.user_id = the_user and a.deleted_at is null and a.kind <> 'registry'
    union all
    select t.id, 'admin'::text, 'admin of the team''s organization'::text
    from memberships as m
    inner join accounts as t on m.account_id = t.organization_id and t.kind = 'team'
    where m.user_id = the_user and m.role = 'admin' and t.deleted_at is null
    union all
    (
        select distinct on (r.id) r.id, found.role, found.because
        from (
            select m.account_id as registry_id, m.role, 'membership'::text as because, 1 as turn
            from memberships as m
            where m.user_id = the_user
            union all
            select g.registry_id, g.role, 'a team''s membership'::text, 2
            from memberships as m
            inner join registry_teams as g on m.account_id = g.team_id
            where m.user_id = the_user
            union all
            select
                a.id, m.role,
                case when m.role = 'admin' then 'admin of the registry''s organization'
                    else 'the registry is open to its organization' end,
                case when m.role = 'admin' then 0 else 3 end
            from memberships as m
            inner join accounts as a on m.account_id = a.organization_id and a.kind = 'registry'
            inner join registries as s on a.id = s.account_id
            where m.user_id = the_user and (m.role = 'admin' or s.visibility = 'organization')
        ) as found
        inner join accounts as r on found.registry_id = r.id and r.kind = 'registry' and r.deleted_at is null
        order by
            r.id, found.turn,
            array_position(array['admin', 'member', 'viewer', 'restricted_viewer'], found.role)
    );
end;

-- ---------------------------------------------------------------------------------------------------------------------
-- Projects
-- ---------------------------------------------------------------------------------------------------------------------

alter table items
drop constraint items_kind_known,
add constraint items_kind_known check (
    kind in (
        'model', 'dataset', 'space', 'paper', 'bucket', 'reference', 'collection', 'project', 'version'
    )
) not valid;
alter table items validate constraint items_kind_known;

-- A team's or user's work area: runs and artifacts live in it. Its identity is on its row in `items`.
create table projects (
    item_id integer not null,
    description text not null default '',
    created_by integer,
    document tsvector not null generated always as (
        to_tsvector('simple'::regconfig, regexp_replace(description, '[^[:alnum:]]+', ' ', 'g'))
    ) stored,
    constraint projects_pkey primary key (item_id),
    constraint projects_item_fkey foreign key (item_id) references items (id) on delete cascade
);
create index projects_by_document on projects using gin (document) with (fastupdate = off);

-- The types of artifacts that a project knows, and those that a registry accepts (a saved one can't be taken away).
create table artifact_types (
    id integer generated always as identity,
    project_id integer,
    registry_id integer,
    name text not null,
    description text not null default '',
    created_at timestamptz not null default now(),
    constraint artifact_types_pkey primary key (id),
    constraint artifact_types_somewhere check ((project_id is null) <> (registry_id is null)),
    constraint artifact_types_name_length check (char_length(name) between 1 and 128),
    constraint artifact_types_project_fkey foreign key (project_id) references items (id) on delete cascade,
    constraint artifact_types_registry_fkey foreign key (registry_id) references accounts (id) on delete cascade
);
create unique index artifact_types_name_taken on artifact_types (project_id, registry_id, name) nulls not distinct;
create index artifact_types_by_registry on artifact_types (registry_id) where registry_id is not null;

create table runs (
    id integer generated always as identity,
    project_id integer not null,
    name text not null,
    display_name text not null default '',
    group_name text,
    job_type text,
    description text,
    notes text,
    commit text,
    host text,
    program text,
    repo text,
    sweep text,
    tags text [] not null default '{}',
    config jsonb not null default '{}',
    summary jsonb not null default '{}',
    system_metrics jsonb not null default '{}',
    state text not null default 'running',
    exit_code integer,
    stop_asked boolean not null default false,
    user_id integer,
    history_count integer not null default 0,
    event_count integer not null default 0,
    log_count integer not null default 0,
    history_keys jsonb not null default '{}',
    last_step bigint,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    heartbeat_at timestamptz not null default now(),
    deleted_at timestamptz,
    constraint runs_pkey primary key (id),
    constraint runs_name_length check (char_length(name) between 1 and 128),
    constraint runs_state_known check (
        state in ('pending', 'running', 'finished', 'failed', 'crashed', 'killed', 'preempting', 'preempted')
    ),
    constraint runs_project_fkey foreign key (project_id) references items (id) on delete cascade
);
create unique index runs_name_taken on runs (project_id, name) where deleted_at is null;
create index runs_by_project on runs (project_id, created_at, id);
-- The state of a run as readers see it: one that has not been heard of for five minutes has crashed.
create or replace function run_state(the_state text, heard_at timestamptz) returns text
language sql stable parallel safe
begin atomic
    select case when the_state = 'running' and heard_at < now() - interval '5 minutes' then 'crashed' else the_state end;
end;
create index runs_alive on runs (heartbeat_at) where state in ('running', 'pending') and deleted_at is null;

-- What a run streams, line by line: `history`, `events` (system metrics) and `output` (the console). A line of the history
-- says at which step it was logged.
create table run_lines (
    run_id integer not null,
    stream text not null,
    number integer not null,
    line text not null,
    step bigint,
    constraint run_lines_pkey primary key (run_id, stream, number),
    constraint run_lines_stream_known check (stream in ('history', 'events', 'output')),
    constraint run_lines_run_fkey foreign key (run_id) references runs (id) on delete cascade
);

create index run_lines_by_step on run_lines (run_id, step) where stream = 'history';

create table run_files (
    id integer generated always as identity,
    run_id integer not null,
    name text not null,
    object_key text not null,
    size bigint not null,
    md5 bytea not null,
    mimetype text,
    updated_at timestamptz not null default now(),
    constraint run_files_pkey primary key (id),
    constraint run_files_name_taken unique (run_id, name),
    constraint run_files_run_fkey foreign key (run_id) references runs (id) on delete cascade
);

-- ---------------------------------------------------------------------------------------------------------------------
-- Files
-- ---------------------------------------------------------------------------------------------------------------------

-- What was received whole and with the MD5 that was announced. Content is shared within an account, never between two: who
-- could name a digest would else get somebody else's file. `version_id` is the version whose upload first brought it.
create table blobs (
    account_id integer not null,
    md5 bytea not null,
    size bigint not null,
    version_id integer,
    created_at timestamptz not null default now(),
    constraint blobs_pkey primary key (account_id, md5),
    constraint blobs_md5_length check (octet_length(md5) = 16),
    constraint blobs_account_fkey foreign key (account_id) references accounts (id)
);

-- Keys that the server makes for itself (what signs the addresses of files), one row each.
create table server_secrets (
    name text not null,
    value bytea not null,
    created_at timestamptz not null default now(),
    constraint server_secrets_pkey primary key (name)
);

-- ---------------------------------------------------------------------------------------------------------------------
-- Artifacts: collections whose entries are their own versions
-- ---------------------------------------------------------------------------------------------------------------------

-- The project that an artifact, or a release outside a registry, belongs to is the `container_id` of its row in `items`; a
-- registry owns its releases.
alter table collections
drop constraint collections_kind_known,
add constraint collections_kind_known check (kind in ('showcase', 'release', 'artifact')) not valid,
add constraint collections_types_by_kind check ((kind = 'showcase') = (cardinality(types) = 0)) not valid;
alter table collections validate constraint collections_kind_known;
alter table collections validate constraint collections_types_by_kind;
create index items_by_container on items (container_id, kind) where container_id is not null;
create index items_versions_by_name on items (owner_id, name) where kind = 'version';

-- What an item looks like in a list says which kind of collection one is.
create or replace view item_faces as
select
    t.id as item_id, t.kind, t.owner_id, o.name as owner, t.name, t.title, t.visibility, t.updated_at, t.deleted_at,
    coalesce(v.votes, 0) as votes, r.gated, r.sdk, r.pipeline_tag, r.downloads, r.last_modified,
    p.published_at, x.url, x.target_kind,
    n.public_id as nested_id, n.theme as nested_theme, n.description as nested_description, n.entry_count as nested_count,
    n.kind as nested_kind
from items as t
left join accounts as o on t.owner_id = o.id
left join vote_counts as v on t.id = v.item_id
left join repos as r on t.id = r.item_id
left join papers as p on t.id = p.item_id
left join external_references as x on t.id = x.item_id
left join collections as n on t.id = n.id;
create index items_in_project on items (container_id, title, id)
where kind = 'collection' and container_id is not null and deleted_at is null;

-- A version, from the moment that a client begins to log it. It becomes an item, with a number, when it is committed, so
-- one that was begun only is nowhere to be seen.
create table versions (
    id integer generated always as identity,
    artifact_id integer not null,
    item_id integer,
    number integer,
    state text not null default 'pending',
    digest text not null,
    digest_algorithm text not null default 'MANIFEST_MD5',
    description text,
    metadata jsonb not null default '{}',
    tags text [] not null default '{}',
    aliases text [] not null default '{}',
    ttl_seconds bigint,
    history_step bigint,
    storage_region text,
    distributed_id text,
    base_id integer,
    size bigint not null default 0,
    file_count bigint not null default 0,
    user_id integer,
    run_id integer,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    committed_at timestamptz,
    deleted_at timestamptz,
    document tsvector not null generated always as (
        to_tsvector('simple'::regconfig, regexp_replace(coalesce(description, ''), '[^[:alnum:]]+', ' ', 'g'))
    ) stored,
    constraint versions_pkey primary key (id),
    constraint versions_state_known check (state in ('pending', 'committed', 'deleted')),
    constraint versions_committed_whole check (
        state = 'pending' or (item_id is not null and number is not null and committed_at is not null)
    ),
    constraint versions_digest_length check (char_length(digest) between 1 and 128),
    constraint versions_artifact_fkey foreign key (artifact_id) references collections (id) on delete cascade,
    constraint versions_item_fkey foreign key (item_id) references items (id) on delete cascade
);
create unique index versions_number_taken on versions (artifact_id, number) where number is not null;
create unique index versions_item_taken on versions (item_id) where item_id is not null;
create unique index versions_shared_draft on versions (artifact_id, distributed_id)
where distributed_id is not null and state = 'pending';
create index versions_by_digest on versions (artifact_id, digest) where state = 'committed';
create index versions_by_run on versions (run_id) where run_id is not null;
create index versions_unfinished on versions (created_at) where state = 'pending';
create index versions_that_expire on versions (committed_at) where state = 'committed' and ttl_seconds > 0;
create index versions_by_tag on versions using gin (tags);
create index versions_by_document on versions using gin (document) with (fastupdate = off);

-- Ids that clients make up before they ask: of a version, or of an artifact.
create table client_ids (
    client_id text not null,
    version_id integer,
    artifact_id integer,
    created_at timestamptz not null default now(),
    constraint client_ids_pkey primary key (client_id),
    constraint client_ids_version_fkey foreign key (version_id) references versions (id) on delete cascade,
    constraint client_ids_artifact_fkey foreign key (artifact_id) references collections (id) on delete cascade
);
create index client_ids_by_version on client_ids (version_id) where version_id is not null;
create index client_ids_by_artifact on client_ids (artifact_id) where artifact_id is not null;

-- The lists of files that clients upload for a version; the newest of type `full` is what it has, others change a base.
create table manifests (
    id integer generated always as identity,
    version_id integer not null,
    name text not null default '',
    type text not null default 'full',
    base_version_id integer,
    md5 bytea,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint manifests_pkey primary key (id),
    constraint manifests_type_known check (type in ('full', 'incremental', 'patch')),
    constraint manifests_version_fkey foreign key (version_id) references versions (id) on delete cascade
);
create index manifests_by_version on manifests (version_id, id);
create index manifests_by_md5 on manifests (md5) where md5 is not null;

-- The files of a committed version, numbered in the order of their paths. `md5` says which blob of the owner's holds it; a
-- reference has none, but says where. A path can be longer than what an index holds, so only its beginning is indexed.
create table version_files (
    version_id integer not null,
    number integer not null,
    path text not null,
    digest text not null,
    md5 bytea,
    size bigint not null default 0,
    reference text,
    birth_id integer,
    extra jsonb,
    constraint version_files_pkey primary key (version_id, number),
    constraint version_files_somewhere check ((md5 is null) <> (reference is null)),
    constraint version_files_version_fkey foreign key (version_id) references versions (id) on delete cascade
);
create index version_files_by_path on version_files (version_id, left(path, 512));
create index version_files_by_md5 on version_files (md5, version_id) where md5 is not null;

-- What a run read and made. `through_id` is the collection by which it reached a version.
create table run_inputs (
    run_id integer not null,
    version_id integer not null,
    through_id integer,
    used_as text,
    created_at timestamptz not null default now(),
    constraint run_inputs_pkey primary key (run_id, version_id),
    constraint run_inputs_run_fkey foreign key (run_id) references runs (id) on delete cascade,
    constraint run_inputs_version_fkey foreign key (version_id) references versions (id) on delete cascade
);
create index run_inputs_by_version on run_inputs (version_id, run_id);

create table run_outputs (
    run_id integer not null,
    version_id integer not null,
    created_at timestamptz not null default now(),
    constraint run_outputs_pkey primary key (run_id, version_id),
    constraint run_outputs_run_fkey foreign key (run_id) references runs (id) on delete cascade,
    constraint run_outputs_version_fkey foreign key (version_id) references versions (id) on delete cascade
);
create index run_outputs_by_version on run_outputs (version_id, run_id);

-- ---------------------------------------------------------------------------------------------------------------------
-- Numbers and aliases of entries
-- ---------------------------------------------------------------------------------------------------------------------

-- The number that an item has in a collection, for good: it is never given to another, and an item that is linked again
-- after it was taken out has its own again. So a past revision needs no numbers of its own.
create table entry_numbers (
    collection_id integer not null,
    item_id integer not null,
    number integer not null,
    constraint entry_numbers_pkey primary key (collection_id, item_id),
    constraint entry_numbers_taken unique (collection_id, number),
    constraint entry_numbers_collection_fkey foreign key (collection_id) references collections (id) on delete cascade
);

-- An alias names one entry of its collection at a time.
create table entry_aliases (
    collection_id integer not null,
    alias text not null,
    item_id integer not null,
    since_rev integer not null,
    set_by integer,
    set_at timestamptz not null default now(),
    reason text,
    constraint entry_aliases_pkey primary key (collection_id, alias),
    constraint entry_aliases_length check (char_length(alias) between 1 and 128),
    constraint entry_aliases_collection_fkey foreign key (collection_id) references collections (id) on delete cascade
);
create index entry_aliases_by_item on entry_aliases (item_id, collection_id);
create index entry_aliases_by_alias on entry_aliases (alias);

-- What aliases named before: each was true from `since_rev` up to, not including, `until_rev`, from `set_at` to `ended_at`.
create table entry_alias_history (
    collection_id integer not null,
    alias text not null,
    item_id integer not null,
    since_rev integer not null,
    until_rev integer not null,
    set_by integer,
    set_at timestamptz not null,
    reason text,
    ended_by integer,
    ended_at timestamptz not null default now(),
    constraint entry_alias_history_pkey primary key (collection_id, alias, until_rev),
    constraint entry_alias_history_collection_fkey foreign key (collection_id) references collections (
        id
    ) on delete cascade
);
create index entry_alias_history_by_item on entry_alias_history (item_id, collection_id);

-- What a version looks like: its own facts, and where it belongs. `type` is its artifact's.
create view version_faces as
select
    v.id, v.artifact_id, v.item_id, v.number, v.state, v.digest, v.digest_algorithm, v.description, v.metadata, v.tags,
    v.ttl_seconds, v.history_step, v.storage_region, v.size, v.file_count, v.run_id, u.name as created_by, v.created_at,
    v.updated_at, v.committed_at, v.deleted_at, c.types[1] as type, a.title as artifact,
    c.public_id as artifact_public_id, p.id as project_id, p.name as project, p.visibility as project_visibility,
    a.owner_id, o.name as owner
from versions as v
inner join collections as c on v.artifact_id = c.id
inner join items as a on v.artifact_id = a.id
inner join items as p on a.container_id = p.id
inner join accounts as o on a.owner_id = o.id
left join accounts as u on v.user_id = u.id;

-- A version as it stands in an artifact or release: the same, and its number and aliases there.
create view version_entries as
select
    f.*, e.collection_id, n.number as entry_number, e.added_at as linked_at, b.name as linked_by,
    array(
        select a.alias from entry_aliases as a
        where a.item_id = e.item_id and a.collection_id = e.collection_id
        order by a.alias
    ) as aliases
from entries as e
inner join entry_numbers as n on e.collection_id = n.collection_id and e.item_id = n.item_id
inner join version_faces as f on e.item_id = f.item_id
left join accounts as b on e.added_by = b.id;

-- Whether a reader sees a version: he sees its project, or a release that holds it.
create function version_seen(the_item integer, the_project integer, everything boolean, accounts integer [])
returns boolean
language sql stable parallel safe
return exists (
    select 1 from items as p
    where p.id = the_project and p.deleted_at is null
    and readable(p.visibility, p.owner_id, everything, accounts)
) or exists (
    select 1
    from entries as e
    inner join collections as c on e.collection_id = c.id
    inner join items as k on e.collection_id = k.id
    where e.item_id = the_item and c.kind = 'release' and k.deleted_at is null
    and readable(k.visibility, k.owner_id, everything, accounts)
);

-- A version is called after its project and artifact: when they get other names, so does it.
create function versions_follow_names() returns trigger
language plpgsql
as $$
begin
    if new.kind = 'project' then
        update items as i
        set name = new.name || '/' || i.title, updated_at = clock_timestamp()
        where i.container_id = new.id and i.kind = 'version' and i.deleted_at is null;
    else
        update items as i
        set name = p.name || '/' || new.title || ':v' || v.number, title = new.title || ':v' || v.number,
            updated_at = clock_timestamp()
        from versions as v, items as p
        where v.artifact_id = new.id and i.id = v.item_id and p.id = new.container_id and i.deleted_at is null;
    end if;
    return null;
end;
$$;

create trigger items_renamed
after update of name, title on items
for each row
when (
    (new.kind = 'project' and old.name is distinct from new.name)
    or (new.kind = 'collection' and new.container_id is not null and old.title is distinct from new.title)
)
execute function versions_follow_names();

-- When an item closes, its entries do so in showcases only: who sees an artifact or a release sees all that is in it, also
-- what remains of a version that was deleted.
create or replace function entries_follow_item() returns trigger
language plpgsql
as $$
begin
    perform hold_items_still();
    update entries as e
    set closed = new.closed
    where e.item_id = new.id and e.closed <> new.closed
    and not exists (select 1 from collections as c where c.id = e.collection_id and c.kind <> 'showcase');
    return null;
end;
$$;

-- A request to set a protected alias, and who agreed.
create table promotions (
    id integer generated always as identity,
    collection_id integer not null,
    alias text not null,
    item_id integer not null,
    state text not null default 'open',
    reason text,
    requested_by integer not null,
    requested_at timestamptz not null default now(),
    decided_at timestamptz,
    constraint promotions_pkey primary key (id),
    constraint promotions_state_known check (state in ('open', 'applied', 'rejected', 'withdrawn')),
    constraint promotions_collection_fkey foreign key (collection_id) references collections (id) on delete cascade
);
create unique index promotions_open on promotions (collection_id, alias, item_id) where state = 'open';
create index promotions_by_collection on promotions (collection_id, id);

create table promotion_votes (
    promotion_id integer not null,
    user_id integer not null,
    approves boolean not null,
    comment text,
    created_at timestamptz not null default now(),
    constraint promotion_votes_pkey primary key (promotion_id, user_id),
    constraint promotion_votes_promotion_fkey foreign key (promotion_id) references promotions (id) on delete cascade
);

-- Let an alias name a version in an artifact or release, as a whole change; says which revision that is, the present one
-- where it did already. Returns nothing, and does nothing, unless all is in order: the actor curates for the owner, the version
-- is there and not deleted, and the registry, if it is in one, does not protect the alias.
create function set_one_alias(
    the_id integer,
    the_public_id text,
    the_owner text,
    curated integer [],
    the_version integer,
    the_alias text,
    the_actor integer,
    the_token integer,
    the_api text,
    the_request text,
    the_reason text
) returns table (changed_id integer, made_revision integer)
language plpgsql
as $$
declare
    held collections;
    named record;
    former entry_aliases;
    was jsonb;
    moment timestamptz;
begin
    perform from collections as c
    where c.id = coalesce(the_id, (select n.id from collections as n where n.public_id = the_public_id))
    for no key update;
    select c.* into held
    from collections as c
    inner join items as i on c.id = i.id
    inner join accounts as o on i.owner_id = o.id
    where c.id = coalesce(the_id, (select n.id from collections as n where n.public_id = the_public_id))
    and c.kind <> 'showcase' and i.deleted_at is null and i.owner_id = any(curated)
    and (the_owner is null or lower(o.name) = lower(the_owner))
    and not exists (select from protected_aliases as p where p.registry_id = i.owner_id and p.alias = the_alias);
    select e.item_id, n.number into named
    from versions as v
    inner join entries as e on v.item_id = e.item_id
    inner join entry_numbers as n on e.collection_id = n.collection_id and e.item_id = n.item_id
    where v.id = the_version and v.state = 'committed' and e.collection_id = held.id;
    if not found then
        return;
    end if;
    select a.* into former from entry_aliases as a where a.collection_id = held.id and a.alias = the_alias;
    if former.item_id = named.item_id then
        return query select held.id, held.revision;
        return;
    end if;
    moment := clock_timestamp();
    if former.item_id is not null then
        insert into entry_alias_history (
            collection_id, alias, item_id, since_rev, until_rev, set_by, set_at, reason, ended_by, ended_at
        )
        values (
            held.id, the_alias, former.item_id, former.since_rev, held.revision + 1, former.set_by, former.set_at,
            former.reason, the_actor, moment
        );
        was := jsonb_build_object(
            'alias', the_alias, 'item', former.item_id, 'number',
            (
                select n.number from entry_numbers as n
                where n.collection_id = held.id and n.item_id = former.item_id
            )
        );
    end if;
    insert into entry_aliases (collection_id, alias, item_id, since_rev, set_by, set_at, reason)
    values (held.id, the_alias, named.item_id, held.revision + 1, the_actor, moment, the_reason)
    on conflict on constraint entry_aliases_pkey do update
    set item_id = excluded.item_id, since_rev = excluded.since_rev, set_by = excluded.set_by,
        set_at = excluded.set_at, reason = excluded.reason;
    perform close_change(
        held.id, held.revision + 1, 0, 'alias.set', the_actor, the_token, the_api, the_request, named.item_id, was,
        jsonb_build_object('alias', the_alias, 'item', named.item_id, 'number', named.number), the_reason
    );
    return query select held.id, held.revision + 1;
end;
$$;

-- Put a version at the end of a registry's release, as a whole change: its number, `latest`, the revision and the record.
-- Returns nothing, and does nothing, unless all is in order: the actor curates for the registry and may download for the
-- version's owner, who is of the same organization; registry and release take its type; and it is not there yet.
create function link_one(
    the_id integer,
    the_public_id text,
    the_owner text,
    curated integer [],
    downloads integer [],
    the_version integer,
    the_actor integer,
    the_token integer,
    the_api text,
    the_request text,
    the_reason text
) returns table (changed_id integer, made_revision integer, linked_item integer)
language plpgsql
as $$
declare
    shelf record;
    source record;
    held collections;
    former entry_aliases;
    given integer;
    next_revision integer;
    was jsonb;
    moment timestamptz;
begin
    select i.id as release_id, r.account_id, r.all_types, a.organization_id into shelf
    from items as i
    inner join registries as r on i.owner_id = r.account_id
    inner join accounts as a on r.account_id = a.id
    where i.id = coalesce(the_id, (select n.id from collections as n where n.public_id = the_public_id))
    and i.owner_id = any(curated) and a.deleted_at is null
    and (the_owner is null or lower(a.name) = lower(the_owner))
    for share of r for key share of a;
    if not found then
        return;
    end if;
    select v.item_id, t.types[1] as type into source
    from versions as v
    inner join collections as t on v.artifact_id = t.id
    inner join items as i on v.artifact_id = i.id
    inner join accounts as o on i.owner_id = o.id
    where v.id = the_version and v.state = 'committed' and i.deleted_at is null
    and i.owner_id = any(downloads) and o.deleted_at is null and o.kind <> 'user'
    and case o.kind when 'organization' then o.id else o.organization_id end = shelf.organization_id
    and (
        shelf.all_types
        or exists (select from artifact_types as k where k.registry_id = shelf.account_id and k.name = t.types[1])
    )
    for key share of v;
    if not found then
        return;
    end if;
    perform from collections as c where c.id = shelf.release_id for no key update;
    select c.* into held
    from collections as c
    inner join items as i on c.id = i.id
    where c.id = shelf.release_id and c.kind = 'release' and i.deleted_at is null and i.owner_id = shelf.account_id
    and source.type = any(c.types)
    and not exists (select from entries as e where e.item_id = source.item_id and e.collection_id = c.id);
    if not found then
        return;
    end if;
    next_revision := held.revision + 1;
    moment := clock_timestamp();
    insert into entry_numbers as n (collection_id, item_id, number)
    select held.id, source.item_id, coalesce(max(x.number) + 1, 0) from entry_numbers as x where x.collection_id = held.id
    on conflict on constraint entry_numbers_pkey do update set number = n.number
    returning n.number into given;
    insert into entries (collection_id, item_id, order_key, since_rev, added_rev, added_by, added_at, closed)
    values (
        held.id, source.item_id,
        next_key((select e.order_key from entries as e where e.collection_id = held.id order by e.order_key desc limit 1)),
        next_revision, next_revision, the_actor, moment, false
    );
    select a.* into former from entry_aliases as a where a.collection_id = held.id and a.alias = 'latest';
    if former.item_id is not null then
        insert into entry_alias_history (
            collection_id, alias, item_id, since_rev, until_rev, set_by, set_at, reason, ended_by, ended_at
        )
        values (
            held.id, 'latest', former.item_id, former.since_rev, next_revision, former.set_by, former.set_at,
            former.reason, the_actor, moment
        );
        was := jsonb_build_object(
            'alias', 'latest', 'item', former.item_id, 'number',
            (
                select n.number from entry_numbers as n
                where n.collection_id = held.id and n.item_id = former.item_id
            )
        );
    end if;
    insert into entry_aliases (collection_id, alias, item_id, since_rev, set_by, set_at, reason)
    values (held.id, 'latest', source.item_id, next_revision, the_actor, moment, the_reason)
    on conflict on constraint entry_aliases_pkey do update
    set item_id = excluded.item_id, since_rev = excluded.since_rev, set_by = excluded.set_by,
        set_at = excluded.set_at, reason = excluded.reason;
    perform close_change(
        held.id, next_revision, 1, 'entry.added', the_actor, the_token, the_api, the_request, source.item_id, null,
        jsonb_build_object(
            'count', 1,
            'entries', jsonb_build_array(jsonb_build_object('item', source.item_id, 'number', given))
        ),
        the_reason
    );
    insert into events (
        verb, at, actor_id, token_id, api, request_id, item_id, collection_id, revision, before, after, reason
    )
    values (
        'alias.set', clock_timestamp(), the_actor, the_token, the_api, the_request, source.item_id, held.id,
        next_revision, was, jsonb_build_object('alias', 'latest', 'item', source.item_id, 'number', given), the_reason
    );
    return query select held.id, next_revision, source.item_id;
end;
$$;

-- ---------------------------------------------------------------------------------------------------------------------
-- Webhooks
-- ---------------------------------------------------------------------------------------------------------------------

-- Who wants to be told of what happens to an account's collections, or to one of them. (`seen_txid`, `seen_id`) is how far
-- it has been told; `key` signs what it is sent. It is told what `created_by` may see, through a token that was bound to
-- `bound_to`, if it was; `problem` says why it was stopped. There is something to send from `due_at` on, and until
-- `busy_until` a worker is sending it.
create table webhooks (
    id integer generated always as identity,
    account_id integer not null,
    collection_id integer,
    url text not null,
    key bytea not null,
    verbs text [] not null,
    active boolean not null default true,
    problem text,
    seen_txid xid8 not null default pg_current_xact_id(),
    seen_id bigint not null default 0,
    due_at timestamptz,
    busy_until timestamptz,
    created_by integer not null,
    bound_to integer,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint webhooks_pkey primary key (id),
    constraint webhooks_url_length check (char_length(url) between 1 and 2000),
    constraint webhooks_verbs_some check (cardinality(verbs) between 1 and 50),
    constraint webhooks_account_fkey foreign key (account_id) references accounts (id) on delete cascade,
    constraint webhooks_collection_fkey foreign key (collection_id) references collections (id) on delete cascade
);
create index webhooks_by_account on webhooks (account_id);
create index webhooks_by_collection on webhooks (collection_id) where collection_id is not null;
create index webhooks_due on webhooks (due_at) where active and due_at is not null;

-- One message to one webhook, byte for byte, and how often it was tried. Messages go out one after the other; one that
-- was refused three times steps aside (`aside`), so that it does not hold up those behind it any longer.
create table webhook_deliveries (
    id bigint generated always as identity,
    webhook_id integer not null,
    event_txid xid8,
    event_id bigint,
    replay_of bigint,
    verb text not null,
    body text not null,
    state text not null default 'waiting',
    attempts integer not null default 0,
    aside boolean not null generated always as (attempts >= 3) stored,
    next_at timestamptz not null default now(),
    sent_at timestamptz,
    status integer,
    answer text,
    error text,
    created_at timestamptz not null default now(),
    ended_at timestamptz,
    constraint webhook_deliveries_pkey primary key (id),
    constraint webhook_deliveries_state_known check (state in ('waiting', 'delivered', 'failed')),
    constraint webhook_deliveries_ended check ((state = 'waiting') = (ended_at is null)),
    constraint webhook_deliveries_webhook_fkey foreign key (webhook_id) references webhooks (id) on delete cascade
);
create index webhook_deliveries_by_webhook on webhook_deliveries (webhook_id, id);
create index webhook_deliveries_in_line on webhook_deliveries (webhook_id, id) where state = 'waiting' and not aside;
create index webhook_deliveries_aside on webhook_deliveries (webhook_id, next_at) where state = 'waiting' and aside;
create index webhook_deliveries_ended on webhook_deliveries (ended_at) where ended_at is not null;
