-- Media with their labels, selections of them, and the queues in which they are labeled.
--
-- A labeling client's team is an account: a user's own, an organization or a team (docs/decisions/0012). Its workspaces hold
-- projects, a project of media its datasets, and a dataset its items; each item is a row in `items` with its facts in
-- `media`. Labels belong to the item. A queue's content is what its collection or dataset holds now: `work` has a row only
-- for an item that somebody was given, or that waits with another priority than the rest (docs/decisions/0013).

-- ---------------------------------------------------------------------------------------------------------------------
-- People: roles of labeling
-- ---------------------------------------------------------------------------------------------------------------------

-- annotator: sees the items of his jobs and nothing else. reviewer: the same, and reviews. manager: sees all, makes queues.
alter table memberships
drop constraint memberships_role_known,
add constraint memberships_role_known check (
    role in ('annotator', 'reviewer', 'restricted_viewer', 'viewer', 'manager', 'member', 'admin')
) not valid;
alter table memberships validate constraint memberships_role_known;

-- `disabled_at`: since then the user can't sign in, and his tokens open nothing; all that he made stays.
alter table accounts
add column description text not null default '',
add column disabled_at timestamptz,
add constraint accounts_only_users_are_disabled check (kind = 'user' or disabled_at is null) not valid;
alter table accounts validate constraint accounts_only_users_are_disabled;

-- Who annotates or reviews for an organization or a team sees none of their registries by that; else as before.
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
            where m.user_id = the_user and m.role not in ('annotator', 'reviewer')
            union all
            select
                a.id, m.role,
                case when m.role = 'admin' then 'admin of the registry''s organization'
                    else 'the registry is open to its organization' end,
                case when m.role = 'admin' then 0 else 3 end
            from memberships as m
            inner join accounts as a on m.account_id = a.organization_id and a.kind = 'registry'
            inner join registries as s on a.id = s.account_id
            where m.user_id = the_user
            and (m.role = 'admin' or (s.visibility = 'organization' and m.role not in ('annotator', 'reviewer')))
        ) as found
        inner join accounts as r on found.registry_id = r.id and r.kind = 'registry' and r.deleted_at is null
        order by
            r.id, found.turn,
            array_position(array['admin', 'member', 'manager', 'viewer', 'restricted_viewer'], found.role)
    );
end;

-- ---------------------------------------------------------------------------------------------------------------------
-- Workspaces, projects, datasets, items
-- ---------------------------------------------------------------------------------------------------------------------

-- A part of an account's work. Every account has a first one, where its projects are unless they are put elsewhere.
create table workspaces (
    id integer generated always as identity,
    account_id integer not null,
    name text not null,
    description text not null default '',
    is_first boolean not null default false,
    hidden boolean not null default false,
    created_by integer,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz,
    constraint workspaces_pkey primary key (id),
    constraint workspaces_account_fkey foreign key (account_id) references accounts (id) on delete cascade
);
create unique index workspaces_name_taken on workspaces (account_id, lower(name)) where deleted_at is null;
create unique index workspaces_first on workspaces (account_id) where is_first;

insert into workspaces (account_id, name, is_first)
select a.id, 'First Workspace', true from accounts as a where a.kind <> 'registry' order by a.id;

create function accounts_get_workspace() returns trigger
language plpgsql as $$
begin
    insert into workspaces (account_id, name, is_first) values (new.id, 'First Workspace', true);
    return null;
end;
$$;
create trigger accounts_workspace after insert on accounts
for each row when (new.kind <> 'registry') execute function accounts_get_workspace();

-- Items of media are found in their project, not in the search over everything: a million file names stay out of its index.
alter table items
drop constraint items_kind_known,
add constraint items_kind_known check (
    kind in (
        'model', 'dataset', 'space', 'paper', 'bucket', 'reference', 'collection', 'project', 'version',
        'image', 'video', 'point_cloud', 'volume'
    )
) not valid;
alter table items validate constraint items_kind_known;
-- What takes a row of `items` has to go while its columns change: PostgreSQL before 16 insists.
-- squawk-ignore ban-drop-function
drop function listed(collections, items, text, integer [], text [], text, boolean, boolean, integer []);
-- squawk-ignore ban-drop-column
alter table items drop column document;
-- squawk-ignore adding-field-with-default
alter table items add column document tsvector not null generated always as (
    case when kind in ('image', 'video', 'point_cloud', 'volume') then ''::tsvector
        else to_tsvector('simple'::regconfig, regexp_replace(name || ' ' || title, '[^[:alnum:]]+', ' ', 'g')) end
) stored;
create index items_by_document on items using gin (document) with (fastupdate = off);

-- Whether a listing of collections shows one. The trash is shown to those only who could bring a collection back.
create function listed(
    c collections,
    i items,
    want_kind text,
    want_owners integer [],
    want_tags text [],
    want_text text,
    want_trashed boolean,
    everything boolean,
    accounts integer []
) returns boolean
language sql stable parallel safe
return (want_kind is null or c.kind = want_kind)
and (want_owners is null or i.owner_id = any (want_owners))
and (want_tags is null or c.tags @> want_tags)
and (want_text is null or strpos(lower(i.title || ' ' || c.description), lower(want_text)) > 0)
and (i.deleted_at is not null) = want_trashed
and readable(case when want_trashed then 'private' else i.visibility end, i.owner_id, everything, accounts);

-- What was done in an account, whatever it was done to.
create index events_by_account on events (account_id, id) where account_id is not null;

-- What a project of media has more than one of runs. `data_type`: null for one of runs only. `settings` and `custom_data`:
-- the client's. The `name_key` of a project outside the first workspace has the workspace's number behind it.
alter table projects
add column data_type text,
add column workspace_id integer,
add column readme text not null default '',
add column settings jsonb not null default '{}',
add column custom_data jsonb not null default '{}',
add constraint projects_data_type_known check (
    data_type in ('images', 'videos', 'point_clouds', 'point_cloud_episodes', 'volumes')
) not valid,
add constraint projects_workspace_fkey foreign key (workspace_id) references workspaces (id) not valid;
alter table projects validate constraint projects_data_type_known;
alter table projects validate constraint projects_workspace_fkey;
create index projects_by_workspace on projects (workspace_id) where workspace_id is not null;

-- A dataset of media: a folder of a project. Datasets nest.
create table datasets (
    id integer generated always as identity,
    project_id integer not null,
    parent_id integer,
    name text not null,
    description text not null default '',
    custom_data jsonb not null default '{}',
    item_count integer not null default 0,
    size bigint not null default 0,
    created_by integer,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz,
    constraint datasets_pkey primary key (id),
    constraint datasets_name_length check (char_length(name) between 1 and 255),
    constraint datasets_project_fkey foreign key (project_id) references items (id) on delete cascade,
    constraint datasets_parent_fkey foreign key (parent_id) references datasets (id)
);
create unique index datasets_name_taken on datasets (project_id, parent_id, name) nulls not distinct
where deleted_at is null;
create index datasets_by_parent on datasets (parent_id) where parent_id is not null;

-- Files of media by the SHA-256 of their bytes, known per account: whoever knows a hash of another's can do nothing with it.
-- `facts`: what was read from the file itself (width, height, streams, points ...), null until it was looked at.
create table media_files (
    account_id integer not null,
    sha256 bytea not null,
    size bigint not null,
    mime text,
    facts jsonb,
    created_at timestamptz not null default now(),
    constraint media_files_pkey primary key (account_id, sha256),
    constraint media_files_sha256_length check (octet_length(sha256) = 32),
    constraint media_files_account_fkey foreign key (account_id) references accounts (id) on delete cascade
);

-- The facts of an image, a video, a point cloud or a volume; its identity is its row in `items`, whose container is the project
-- and whose name_key begins with the dataset's number. `meta` and `custom_data`: the client's, as they came. `facts`: what was
-- read from the file. `label_count`: its figures. `custom_sort`: the place that people gave it.
create table media (
    item_id integer not null,
    project_id integer not null,
    dataset_id integer not null,
    sha256 bytea,
    link text,
    mime text,
    size bigint,
    width integer,
    height integer,
    frames integer,
    description text not null default '',
    meta jsonb not null default '{}',
    custom_data jsonb not null default '{}',
    facts jsonb not null default '{}',
    custom_sort double precision,
    parent_id integer,
    label_count integer not null default 0,
    labeled_at timestamptz,
    has_thumbnail boolean not null default false,
    created_by integer,
    constraint media_pkey primary key (item_id),
    constraint media_somewhere check (sha256 is null or link is null),
    constraint media_item_fkey foreign key (item_id) references items (id) on delete cascade,
    constraint media_dataset_fkey foreign key (dataset_id) references datasets (id)
);
create index media_in_dataset on media (dataset_id, item_id);
create index media_in_project on media (project_id, item_id);
create index media_in_custom_order on media (dataset_id, (coalesce(custom_sort, 'Infinity'::double precision)), item_id);
create index media_by_file on media (sha256) where sha256 is not null;

-- Slices of a volume, as the client cut them.
create table volume_slices (
    item_id integer not null,
    normal text not null,
    position integer not null,
    sha256 bytea not null,
    constraint volume_slices_pkey primary key (item_id, normal, position),
    constraint volume_slices_item_fkey foreign key (item_id) references media (item_id) on delete cascade
);
create index volume_slices_by_file on volume_slices (sha256);

-- ---------------------------------------------------------------------------------------------------------------------
-- Selections, live collections, checks
-- ---------------------------------------------------------------------------------------------------------------------

alter table collections
drop constraint collections_kind_known,
drop constraint collections_types_by_kind,
add constraint collections_kind_known check (kind in ('showcase', 'release', 'artifact', 'selection')) not valid,
add constraint collections_types_by_kind check (
    (kind in ('showcase', 'selection')) = (cardinality(types) = 0)
) not valid;
alter table collections validate constraint collections_kind_known;
alter table collections validate constraint collections_types_by_kind;

-- What a selection has beside a showcase: its project (also its container in `items`), and the key of the search that its
-- scores come from, where they come from one.
create table selections (
    collection_id integer not null,
    project_id integer not null,
    data_type text not null,
    search_key text,
    constraint selections_pkey primary key (collection_id),
    constraint selections_collection_fkey foreign key (collection_id) references collections (id) on delete cascade,
    constraint selections_project_fkey foreign key (project_id) references items (id) on delete cascade
);
create index selections_by_project on selections (project_id, collection_id);

-- A live collection: its entries are what people pinned, then what its query finds, without what they banned. The entries are
-- written when it is read and older than a moment (docs/decisions/0014), so each change of it is a revision as any other.
-- `query`: as its maker wrote it; `sort`: the order of what it finds, '' for that of the items' numbers. `source`: how it is
-- made of other collections, where it is (op, collections). `revision`: the last one that this was brought in line with; what
-- people put in and took out by hand since then is pinned and banned.
create table live_collections (
    collection_id integer not null,
    query text not null default '',
    sort text not null default '',
    source jsonb,
    revision integer not null default 0,
    refreshed_at timestamptz,
    failed text,
    created_by integer,
    created_at timestamptz not null default now(),
    constraint live_collections_pkey primary key (collection_id),
    constraint live_collections_collection_fkey foreign key (collection_id) references collections (id) on delete cascade
);
create table live_exceptions (
    collection_id integer not null,
    item_id integer not null,
    pinned boolean not null,
    reason text,
    made_by integer,
    made_at timestamptz not null default now(),
    constraint live_exceptions_pkey primary key (collection_id, item_id),
    constraint live_exceptions_collection_fkey foreign key (collection_id)
    references live_collections (collection_id) on delete cascade
);
-- What a live collection is made of, so that none is made of itself.
create table live_sources (
    collection_id integer not null,
    source_id integer not null,
    constraint live_sources_pkey primary key (collection_id, source_id),
    constraint live_sources_collection_fkey foreign key (collection_id)
    references live_collections (collection_id) on delete cascade
);
create index live_sources_by_source on live_sources (source_id);

-- Rules that a collection is held against whenever it changes: they warn, or refuse the change.
create table collection_checks (
    id integer generated always as identity,
    collection_id integer not null,
    kind text not null,
    params jsonb not null default '{}',
    blocks boolean not null default false,
    created_by integer,
    created_at timestamptz not null default now(),
    constraint collection_checks_pkey primary key (id),
    constraint collection_checks_collection_fkey foreign key (collection_id) references collections (id) on delete cascade
);
create index collection_checks_by_collection on collection_checks (collection_id);

-- What a change locks says also where the collection belongs, and whether it has checks or is live, so that the change of one
-- that has none asks nothing more.
-- squawk-ignore ban-drop-function
drop function hold_collection(integer, text, integer);
create function hold_collection(the_id integer, the_public_id text, adding integer) returns table (
    id integer, kind text, public_id text, owner_id integer, owner text, visibility text, title text, name text,
    description text, theme text, tags text [], revision integer, entry_count integer, deleted_at timestamptz,
    container_id integer, has_checks boolean, is_live boolean
)
language plpgsql
as $$
begin
    if adding is not null then
        perform pg_advisory_xact_lock_shared(adding, 0);
    end if;
    perform from collections as c
    where c.id = coalesce(the_id, (select n.id from collections as n where n.public_id = the_public_id))
    for no key update;
    return query
    select
        c.id, c.kind, c.public_id, i.owner_id, o.name, i.visibility, i.title, i.name, c.description, c.theme, c.tags,
        c.revision, c.entry_count, i.deleted_at, i.container_id,
        exists (select from collection_checks as k where k.collection_id = c.id),
        exists (select from live_collections as l where l.collection_id = c.id)
    from collections as c
    inner join items as i on c.id = i.id
    inner join accounts as o on i.owner_id = o.id
    where c.id = coalesce(the_id, (select n.id from collections as n where n.public_id = the_public_id));
end;
$$;

-- A collection with checks is never changed by the one-statement ways, which know nothing of them.
create or replace function hold_to_curate(
    the_public_id text, the_kind text, the_owner text, expected integer, curated integer []
) returns collections
language plpgsql as $$
declare
    held collections;
begin
    perform from collections as c where c.public_id = the_public_id for no key update;
    select c.* into held
    from collections as c
    inner join items as i on c.id = i.id
    inner join accounts as o on i.owner_id = o.id
    where c.public_id = the_public_id and c.kind = the_kind and i.deleted_at is null and i.owner_id = any(curated)
    and (the_owner is null or lower(o.name) = lower(the_owner)) and (expected is null or c.revision = expected)
    and not exists (select from collection_checks as k where k.collection_id = c.id)
    and not exists (select from live_collections as l where l.collection_id = c.id);
    return held;
end;
$$;

-- ---------------------------------------------------------------------------------------------------------------------
-- Labels
-- ---------------------------------------------------------------------------------------------------------------------

create table label_classes (
    id integer generated always as identity,
    project_id integer not null,
    name text not null,
    shape text not null,
    color text not null,
    description text not null default '',
    hotkey text not null default '',
    geometry_config jsonb not null default '{}',
    settings jsonb not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint label_classes_pkey primary key (id),
    constraint label_classes_name_taken unique (project_id, name),
    constraint label_classes_name_length check (char_length(name) between 1 and 255),
    constraint label_classes_project_fkey foreign key (project_id) references items (id) on delete cascade
);

-- The tags that a project knows; `choices` for those with one value of several.
create table label_tags (
    id integer generated always as identity,
    project_id integer not null,
    name text not null,
    value_type text not null,
    choices jsonb,
    color text not null,
    hotkey text not null default '',
    applies_to text not null default 'all',
    targets text not null default 'all',
    classes text [] not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint label_tags_pkey primary key (id),
    constraint label_tags_name_taken unique (project_id, name),
    constraint label_tags_name_length check (char_length(name) between 1 and 255),
    constraint label_tags_value_type_known check (value_type in ('none', 'any_number', 'any_string', 'oneof_string', 'date')),
    constraint label_tags_project_fkey foreign key (project_id) references items (id) on delete cascade
);

-- An object: one thing seen in a video, an episode or a volume, of which figures are the sights. Images have none.
create table label_objects (
    id integer generated always as identity,
    project_id integer not null,
    dataset_id integer not null,
    item_id integer,
    class_id integer not null,
    description text not null default '',
    meta jsonb not null default '{}',
    created_by integer,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint label_objects_pkey primary key (id),
    constraint label_objects_class_fkey foreign key (class_id) references label_classes (id) on delete cascade,
    constraint label_objects_item_fkey foreign key (item_id) references media (item_id) on delete cascade,
    constraint label_objects_dataset_fkey foreign key (dataset_id) references datasets (id) on delete cascade
);
create index label_objects_by_item on label_objects (item_id) where item_id is not null;
create index label_objects_by_dataset on label_objects (dataset_id);
create index label_objects_by_class on label_objects (class_id);

-- A figure: a geometry on an item, as the client sent it. `geometry_file`: the SHA-256 of one that is a file of its own.
create table figures (
    id integer generated always as identity,
    item_id integer not null,
    class_id integer not null,
    object_id integer,
    geometry_type text not null,
    geometry jsonb,
    geometry_file bytea,
    frame integer,
    meta jsonb not null default '{}',
    description text not null default '',
    extras jsonb not null default '{}',
    track_id text,
    priority integer,
    nn_created boolean not null default false,
    nn_updated boolean not null default false,
    created_by integer,
    updated_by integer,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint figures_pkey primary key (id),
    constraint figures_item_fkey foreign key (item_id) references media (item_id) on delete cascade,
    constraint figures_class_fkey foreign key (class_id) references label_classes (id) on delete cascade,
    constraint figures_object_fkey foreign key (object_id) references label_objects (id) on delete cascade
);
create index figures_by_item on figures (item_id, id);
create index figures_by_class on figures (class_id, item_id);
create index figures_by_object on figures (object_id) where object_id is not null;
create index figures_by_file on figures (geometry_file) where geometry_file is not null;

-- What a figure was until it was changed or removed (`removed`), and by whom: the record of labels.
create table figure_history (
    figure_id integer not null,
    item_id integer not null,
    class_id integer not null,
    object_id integer,
    geometry_type text not null,
    geometry jsonb,
    geometry_file bytea,
    frame integer,
    meta jsonb not null,
    description text not null,
    extras jsonb not null,
    track_id text,
    priority integer,
    nn_created boolean not null default false,
    nn_updated boolean not null default false,
    tags jsonb not null default '[]',
    created_by integer,
    created_at timestamptz not null default now(),
    since timestamptz not null,
    until timestamptz not null default clock_timestamp(),
    changed_by integer,
    removed boolean not null
);
create index figure_history_by_figure on figure_history (figure_id, until);
create index figure_history_by_item on figure_history (item_id, until);
create index figure_history_by_file on figure_history (geometry_file) where geometry_file is not null;

-- A tag put on an item, an object or a figure; on a video with the frames that it holds for.
create table tagged (
    id integer generated always as identity,
    tag_id integer not null,
    item_id integer,
    object_id integer,
    figure_id integer,
    value jsonb,
    frame_from integer,
    frame_to integer,
    extras jsonb not null default '{}',
    created_by integer,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint tagged_pkey primary key (id),
    constraint tagged_one_thing check (num_nonnulls(item_id, object_id, figure_id) = 1),
    constraint tagged_tag_fkey foreign key (tag_id) references label_tags (id) on delete cascade,
    constraint tagged_item_fkey foreign key (item_id) references media (item_id) on delete cascade,
    constraint tagged_object_fkey foreign key (object_id) references label_objects (id) on delete cascade,
    constraint tagged_figure_fkey foreign key (figure_id) references figures (id) on delete cascade
);
create index tagged_by_item on tagged (item_id, tag_id) where item_id is not null;
create index tagged_by_object on tagged (object_id) where object_id is not null;
create index tagged_by_figure on tagged (figure_id) where figure_id is not null;
create index tagged_by_tag on tagged (tag_id, item_id);

-- ---------------------------------------------------------------------------------------------------------------------
-- Queues
-- ---------------------------------------------------------------------------------------------------------------------

-- Labeling work over a collection, a dataset, or a list of items given once (what the client calls a job without a queue).
-- `restricted`: its items are those that it was made with, as far as its collection or dataset still has them; each has its
-- row in `work` from the start. `include_tags`, `exclude_tags`: what an item must have, and must not have, to be given out.
-- `frontier` (of a dataset: `frontier_sort`, `frontier_item`): nothing before it waits without a row in `work`. Whoever may put
-- something before it holds this row meanwhile, and gives what he puts there a row.
create table queues (
    id integer generated always as identity,
    project_id integer not null,
    source text not null,
    collection_id integer,
    dataset_id integer,
    restricted boolean not null default false,
    name text not null,
    description text not null default '',
    readme text not null default '',
    status text not null default 'pending',
    settings jsonb not null default '{}',
    include_tags text [] not null default '{}',
    exclude_tags text [] not null default '{}',
    filtered boolean not null generated always as (
        cardinality(include_tags) > 0 or cardinality(exclude_tags) > 0
    ) stored,
    quality_check boolean not null default false,
    review_own boolean not null default false,
    overlap smallint not null default 1,
    blind boolean not null default false,
    lease_seconds integer not null default 1800,
    frontier bytea not null default '',
    frontier_sort double precision not null default '-Infinity',
    frontier_item integer not null default 0,
    created_by integer,
    created_at timestamptz not null default now(),
    started_at timestamptz,
    finished_at timestamptz,
    removed_at timestamptz,
    constraint queues_pkey primary key (id),
    constraint queues_source_known check (source in ('collection', 'dataset', 'list')),
    constraint queues_one_source check (num_nonnulls(collection_id, dataset_id) = 1),
    constraint queues_name_length check (char_length(name) between 1 and 255),
    constraint queues_status_known check (
        status in ('pending', 'in_progress', 'on_review', 'review_completed', 'completed', 'stopped')
    ),
    constraint queues_overlap_range check (overlap between 1 and 20),
    constraint queues_lease_range check (lease_seconds between 1 and 604800),
    constraint queues_project_fkey foreign key (project_id) references items (id) on delete cascade
) with (fillfactor = 50);
create index queues_by_project on queues (project_id, id);
create index queues_by_collection on queues (collection_id) where collection_id is not null;
create index queues_by_dataset on queues (dataset_id) where dataset_id is not null;
create index queues_filtered on queues (project_id) where filtered;

-- One person's part in a queue: labeling (`annotate`), reviewing (`review`) or the check before the review (`check`). A job
-- without a queue is one of a queue whose source is a list; it has the reviewer beside its labeler.
create table jobs (
    id integer generated always as identity,
    queue_id integer not null,
    user_id integer not null,
    part text not null,
    name text not null,
    description text not null default '',
    readme text not null default '',
    status text not null default 'pending',
    reviewer_id integer,
    custom_data jsonb not null default '{}',
    created_by integer,
    created_at timestamptz not null default now(),
    started_at timestamptz,
    finished_at timestamptz,
    archived_at timestamptz,
    removed_at timestamptz,
    constraint jobs_pkey primary key (id),
    constraint jobs_part_known check (part in ('annotate', 'review', 'check')),
    constraint jobs_name_length check (char_length(name) between 1 and 512),
    constraint jobs_removed_are_archived check (removed_at is null or archived_at is not null),
    constraint jobs_status_known check (
        status in ('pending', 'in_progress', 'on_review', 'review_completed', 'completed', 'stopped')
    ),
    constraint jobs_queue_fkey foreign key (queue_id) references queues (id) on delete cascade,
    constraint jobs_user_fkey foreign key (user_id) references accounts (id)
);
create index jobs_by_queue on jobs (queue_id, id);
create index jobs_by_user on jobs (user_id, id);
create index jobs_by_reviewer on jobs (reviewer_id, id) where reviewer_id is not null;

-- An item of a queue that was given out (round 1, and one more for each further annotator when several are asked), or that
-- waits with a priority of its own or after it came back. `present`: whether it is in the queue's source now; one that left
-- keeps its state for when it comes back. `more`: how many further annotators it is to be given to (on round 1). A held one
-- without `lease_until` stays with its labeler. `skipped_by`: who is not to get it again. Without a foreign key, as entries
-- are (docs/decisions/0002): a thousand hand-outs a second would all lock the queue's one row; rows are never removed while
-- the queue is there.
create table work (
    queue_id integer not null,
    item_id integer not null,
    round smallint not null default 1,
    status text not null,
    present boolean not null default true,
    priority smallint not null default 0,
    more smallint not null default 0,
    order_key bytea not null default '',
    job_id integer,
    labeler_id integer,
    lease_until timestamptz,
    review_job_id integer,
    reviewer_id integer,
    review_until timestamptz,
    review_given_at timestamptz,
    rejections integer not null default 0,
    given_at timestamptz,
    submitted_at timestamptz,
    reviewed_at timestamptz,
    labeling_seconds double precision not null default 0,
    review_seconds double precision not null default 0,
    skipped_by integer [] not null default '{}',
    comment text,
    constraint work_pkey primary key (queue_id, item_id, round),
    constraint work_status_known check (status in ('pending', 'held', 'done', 'checked', 'accepted', 'rejected', 'skipped'))
) with (fillfactor = 80);
create index work_by_item on work (item_id, queue_id);
create index work_of_job on work (job_id, status, order_key, item_id) where job_id is not null;
create index work_leased on work (queue_id, lease_until) where status = 'held';
create index work_waiting on work (queue_id, priority desc, order_key, item_id, round) where status = 'pending';
create index work_to_review on work (queue_id, status, submitted_at, item_id, round) where status in ('done', 'checked');
create index work_of_review on work (review_job_id, status) where review_job_id is not null;
create index work_for_more on work (queue_id, item_id) where more > 0;

-- How many rows of `work` have each status, as sums of what each transaction added and took away: nobody waits for another
-- to count. Read as sums over `shard`.
create table work_counts (
    queue_id integer not null,
    shard smallint not null,
    status text not null,
    present boolean not null,
    round_one boolean not null,
    count integer not null,
    constraint work_counts_pkey primary key (queue_id, shard, status, present, round_one)
) with (fillfactor = 50);

-- The number under which this transaction counts: one that no other counts under until this one has ended, where there is
-- one, so that two that count for the same queue never wait for each other, let alone in a circle.
create function counting_shard() returns smallint
language plpgsql as $$
begin
    for n in 0..63 loop
        if pg_try_advisory_xact_lock(1004, (pg_backend_pid() + n) % 64) then
            return (pg_backend_pid() + n) % 64;
        end if;
    end loop;
    return pg_backend_pid() % 64;
end;
$$;

create function work_counted() returns trigger
language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        insert into work_counts as k (queue_id, shard, status, present, round_one, count)
        select n.queue_id, (select counting_shard()), n.status, n.present, n.round = 1, count(*)
        from fresh as n
        group by 1, 2, 3, 4, 5
        order by 1, 2, 3, 4, 5
        on conflict on constraint work_counts_pkey do update set count = k.count + excluded.count;
    elsif exists (select from stale) then
        insert into work_counts as k (queue_id, shard, status, present, round_one, count)
        select d.queue_id, (select counting_shard()), d.status, d.present, d.round_one, sum(d.change)
        from (
            select n.queue_id, n.status, n.present, n.round = 1 as round_one, 1 as change from fresh as n
            union all
            select o.queue_id, o.status, o.present, o.round = 1, -1 from stale as o
        ) as d
        group by 1, 2, 3, 4, 5
        having sum(d.change) <> 0
        order by 1, 2, 3, 4, 5
        on conflict on constraint work_counts_pkey do update set count = k.count + excluded.count;
    end if;
    return null;
end;
$$;
create trigger work_counted_in after insert on work
referencing new table as fresh for each statement execute function work_counted();
create trigger work_counted_on after update on work
referencing old table as stale new table as fresh for each statement execute function work_counted();

-- What was done in queues, one line each: who, when, how long it took. Never changed. Without a foreign key, as `work`.
create table work_log (
    id bigint generated always as identity,
    queue_id integer not null,
    item_id integer not null,
    round smallint not null,
    at timestamptz not null default clock_timestamp(),
    verb text not null,
    actor_id integer,
    job_id integer,
    seconds double precision,
    comment text,
    constraint work_log_pkey primary key (id)
);
create index work_log_by_queue on work_log (queue_id, id);
create index work_log_by_item on work_log (item_id, id);

-- What somebody drew and has not handed in, kept for him.
create table drafts (
    queue_id integer not null,
    item_id integer not null,
    user_id integer not null,
    annotation jsonb not null,
    saved_at timestamptz not null default now(),
    constraint drafts_pkey primary key (queue_id, item_id, user_id),
    constraint drafts_queue_fkey foreign key (queue_id) references queues (id) on delete cascade
);

-- A queue goes only with its whole project, when that is purged.
create function queues_take_work() returns trigger
language plpgsql as $$
begin
    delete from work as w where w.queue_id = old.id;
    delete from work_counts as k where k.queue_id = old.id;
    delete from work_log as l where l.queue_id = old.id;
    return null;
end;
$$;
create trigger queues_leave_nothing after delete on queues
for each row execute function queues_take_work();

-- How queues follow their sources. A connection keeps the plans that it made when there was little in these tables, so what
-- must never be a plan here is said: each of these looks rows up by their keys, however many there are.

-- Say of items that they are in the source of queues now, or are not.
create function set_present(the_queues integer [], the_items integer [], now_present boolean) returns void
language plpgsql
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
begin
    -- In one order, whoever does it.
    perform from work as w
    where w.item_id = any(the_items) and w.queue_id = any(the_queues) and w.present <> now_present
    order by w.queue_id, w.item_id, w.round
    for no key update;
    if found then
        update work as w
        set present = now_present
        where w.item_id = any(the_items) and w.queue_id = any(the_queues) and w.present <> now_present;
    end if;
end;
$$;

-- Items entered a collection, or moved in it, before the frontier of queues over it: each that has none gets a row there. The
-- frontier stays where it is meanwhile: see `advance_frontier`.
create function keep_before_frontier(the_queues integer [], the_items integer [], the_keys bytea []) returns void
language plpgsql
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
begin
    perform from queues as q where q.id = any(the_queues) order by q.id for no key update;
    insert into work (queue_id, item_id, status, order_key)
    select q.id, n.item_id, 'pending', n.order_key
    from queues as q
    cross join unnest(the_items, the_keys) as n (item_id, order_key)
    where q.id = any(the_queues) and n.order_key < q.frontier and not q.restricted and q.source = 'collection'
    and not exists (select from work as w where w.queue_id = q.id and w.item_id = n.item_id)
    and (not q.filtered or item_fits(n.item_id, q.project_id, q.include_tags, q.exclude_tags))
    order by q.id, n.item_id
    on conflict do nothing;
end;
$$;

-- Items that wait in queues with a row of their own have other places now.
create function move_waiting(the_queues integer [], the_items integer [], the_keys bytea []) returns void
language plpgsql
set enable_seqscan = off
set enable_nestloop = off
set enable_mergejoin = off
as $$
begin
    update work as w
    set order_key = n.order_key
    from unnest(the_items, the_keys) as n (item_id, order_key)
    where w.queue_id = any(the_queues) and w.item_id = any(the_items) and w.item_id = n.item_id
    and w.status = 'pending' and w.priority >= 0 and w.order_key <> n.order_key;
end;
$$;

-- The queues of a collection follow its entries within the same statement: an item that leaves is out of the queue whatever
-- its state, one that comes back has its former state, and one that is put before the frontier gets a row there.
create function queues_follow_entries() returns trigger
language plpgsql as $$
declare
    collection integer;
    followers integer [];
    items integer [];
    keys bytea [];
begin
    if tg_op = 'DELETE' then
        if not exists (select from queues as q where q.collection_id in (select o.collection_id from stale as o)) then
            return null;
        end if;
        for collection in select distinct o.collection_id from stale as o order by 1 loop
            followers := array(select q.id from queues as q where q.collection_id = collection order by q.id);
            if cardinality(followers) > 0 then
                perform set_present(
                    followers, array(select o.item_id from stale as o where o.collection_id = collection), false
                );
            end if;
        end loop;
        return null;
    end if;
    if not exists (select from queues as q where q.collection_id in (select n.collection_id from fresh as n)) then
        return null;
    end if;
    for collection in select distinct n.collection_id from fresh as n order by 1 loop
        followers := array(select q.id from queues as q where q.collection_id = collection order by q.id);
        if cardinality(followers) > 0 then
            select array_agg(n.item_id), array_agg(n.order_key) into items, keys
            from fresh as n where n.collection_id = collection;
            if tg_op = 'INSERT' then
                perform set_present(followers, items, true);
            end if;
            perform keep_before_frontier(followers, items, keys);
            perform move_waiting(followers, items, keys);
        end if;
    end loop;
    return null;
end;
$$;
create trigger entries_reach_queues after insert on entries
referencing new table as fresh for each statement execute function queues_follow_entries();
create trigger entries_leave_queues after delete on entries
referencing old table as stale for each statement execute function queues_follow_entries();
create trigger entries_move_in_queues after update on entries
referencing new table as fresh for each statement execute function queues_follow_entries();

-- The place of an item in its dataset as an order key: bytes that compare as (sort, item) do.
create function media_key(sort double precision, item integer) returns bytea
language sql immutable parallel safe
return case
    when sort is null then decode('ff', 'hex')
    when sort >= 0 then set_byte(float8send(sort + 0.0), 0, get_byte(float8send(sort + 0.0), 0) | 128)
    else int8send(~(('x' || encode(float8send(sort), 'hex'))::bit(64)::bigint))
end || int4send(item);

-- Give items of a dataset that wait before the frontiers of its queues their rows; the frontiers stay where they are meanwhile.
create function keep_before_frontiers(the_dataset integer, the_items integer []) returns void
language plpgsql
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
begin
    perform from queues as q where q.dataset_id = the_dataset order by q.id for no key update;
    if found then
        insert into work (queue_id, item_id, status, order_key)
        select q.id, m.item_id, 'pending', media_key(m.custom_sort, m.item_id)
        from queues as q
        inner join media as m on q.dataset_id = m.dataset_id
        inner join items as i on m.item_id = i.id
        where q.dataset_id = the_dataset and m.item_id = any(the_items) and i.deleted_at is null
        and (coalesce(m.custom_sort, 'Infinity'), m.item_id) < (q.frontier_sort, q.frontier_item)
        and not q.restricted and q.source = 'dataset'
        and not exists (select from work as w where w.queue_id = q.id and w.item_id = m.item_id)
        and (not q.filtered or item_fits(m.item_id, q.project_id, q.include_tags, q.exclude_tags))
        order by q.id, m.item_id
        on conflict do nothing;
        update work as w
        set order_key = media_key(m.custom_sort, m.item_id)
        from queues as q, media as m
        where q.dataset_id = the_dataset and w.queue_id = q.id and w.item_id = any(the_items) and m.item_id = w.item_id
        and w.status = 'pending' and w.priority >= 0 and w.order_key <> media_key(m.custom_sort, m.item_id);
    end if;
end;
$$;

-- The queues of a dataset, and the lists of items of it, follow its items likewise.
create function queues_follow_added() returns trigger
language plpgsql as $$
declare
    dataset integer;
begin
    if exists (select from queues as q where q.dataset_id in (select n.dataset_id from fresh as n)) then
        for dataset in select distinct n.dataset_id from fresh as n order by 1 loop
            perform keep_before_frontiers(dataset, array(select n.item_id from fresh as n where n.dataset_id = dataset));
        end loop;
    end if;
    return null;
end;
$$;
create trigger media_reach_queues after insert on media
referencing new table as fresh for each statement execute function queues_follow_added();

create function queues_follow_purged() returns trigger
language plpgsql as $$
declare
    dataset integer;
    followers integer [];
begin
    for dataset in select distinct o.dataset_id from stale as o order by 1 loop
        followers := array(select q.id from queues as q where q.dataset_id = dataset order by q.id);
        if cardinality(followers) > 0 then
            perform set_present(
                followers, array(select o.item_id from stale as o where o.dataset_id = dataset), false
            );
        end if;
    end loop;
    return null;
end;
$$;
create trigger media_leave_queues after delete on media
referencing old table as stale for each statement execute function queues_follow_purged();

-- What is kept of an item without a reference to its facts goes with them, whoever removes it for good. Its name stays on the
-- item, so that the history of selections can say what it was; so does what was done in queues.
create function media_take_the_rest() returns trigger
language plpgsql as $$
begin
    delete from figure_history as h using stale as o where h.item_id = o.item_id;
    delete from drafts as r using stale as o where r.item_id = o.item_id;
    delete from votes as v using stale as o where v.item_id = o.item_id;
    delete from vote_counts as v using stale as o where v.item_id = o.item_id;
    return null;
end;
$$;
create trigger media_take_the_rest after delete on media
referencing old table as stale for each statement execute function media_take_the_rest();

-- Of the items that one statement changed, those that are in another dataset now, or at another place of it. Most statements
-- change neither, and are through with one look.
create function queues_follow_moved() returns trigger
language plpgsql as $$
declare
    dataset integer;
    moved integer [];
    came integer [];
begin
    if not exists (
        select
        from stale as o
        inner join fresh as n on o.item_id = n.item_id
        where o.dataset_id <> n.dataset_id or o.custom_sort is distinct from n.custom_sort
    ) then
        return null;
    end if;
    for dataset, moved in
        select o.dataset_id, array_agg(o.item_id)
        from stale as o
        inner join fresh as n on o.item_id = n.item_id
        where o.dataset_id <> n.dataset_id
        group by 1
        order by 1
    loop
        perform set_present(array(select q.id from queues as q where q.dataset_id = dataset order by q.id), moved, false);
    end loop;
    for dataset, moved, came in
        select n.dataset_id, array_agg(n.item_id), array_agg(n.item_id) filter (where o.dataset_id <> n.dataset_id)
        from stale as o
        inner join fresh as n on o.item_id = n.item_id
        where o.dataset_id <> n.dataset_id or o.custom_sort is distinct from n.custom_sort
        group by 1
        order by 1
    loop
        if came is not null then
            perform set_present(array(select q.id from queues as q where q.dataset_id = dataset order by q.id), came, true);
        end if;
        perform keep_before_frontiers(dataset, moved);
    end loop;
    return null;
end;
$$;
create trigger media_move_in_queues after update on media
referencing old table as stale new table as fresh for each statement execute function queues_follow_moved();

-- Items that were put into the trash, or brought back: out of the queues of their datasets, or in them again.
create function items_turned(the_items integer [], here boolean) returns void
language plpgsql
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
    dataset integer;
    followers integer [];
    turned integer [];
begin
    for dataset in
        select distinct m.dataset_id
        from unnest(the_items) as u (id)
        inner join media as m on u.id = m.item_id
        order by 1
    loop
        followers := array(select q.id from queues as q where q.dataset_id = dataset order by q.id);
        if cardinality(followers) > 0 then
            turned := array(
                select u.id from unnest(the_items) as u (id)
                inner join media as m on u.id = m.item_id
                where m.dataset_id = dataset
            );
            perform set_present(followers, turned, here);
            if here then
                perform keep_before_frontiers(dataset, turned);
            end if;
        end if;
    end loop;
end;
$$;

-- A dataset of a million items goes to the trash as one statement, and is looked at as a whole. (The rows before and after
-- are set against each other without a join: its plan would be that of the first, perhaps small, change.)
create function queues_follow_trash() returns trigger
language plpgsql as $$
declare
    turned integer [];
begin
    if not exists (select from fresh as n where n.kind in ('image', 'video', 'point_cloud', 'volume')) then
        return null;
    end if;
    turned := array(
        select o.id from stale as o where o.deleted_at is null
        intersect
        select n.id from fresh as n where n.deleted_at is not null
    );
    if cardinality(turned) > 0 then
        perform items_turned(turned, false);
    end if;
    turned := array(
        select o.id from stale as o where o.deleted_at is not null
        intersect
        select n.id from fresh as n where n.deleted_at is null
    );
    if cardinality(turned) > 0 then
        perform items_turned(turned, true);
    end if;
    return null;
end;
$$;
create trigger items_trashed_in_queues after update on items
referencing old table as stale new table as fresh for each statement execute function queues_follow_trash();

-- A queue over a collection in the trash is empty; should the collection be restored, the queue is as it was.
create function queues_follow_trashed_collections() returns trigger
language plpgsql as $$
declare
    followers integer [] := array(select q.id from queues as q where q.collection_id = new.id order by q.id);
begin
    if cardinality(followers) > 0 then
        perform set_present(
            followers,
            array(
                select distinct w.item_id
                from work as w
                inner join entries as e on w.item_id = e.item_id
                where w.queue_id = any(followers) and e.collection_id = new.id
            ),
            new.deleted_at is null
        );
    end if;
    return null;
end;
$$;
create trigger collections_trashed_in_queues after update of deleted_at on items
for each row
when ((old.deleted_at is null) <> (new.deleted_at is null) and new.kind = 'collection')
execute function queues_follow_trashed_collections();

-- Where queues ask for tags, an item that waits may be theirs, or not be, when its tags change.
create function items_retagged(the_items integer []) returns void
language plpgsql
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
    touched record;
begin
    for touched in
        select q.id, q.collection_id, q.dataset_id, array_agg(m.item_id) as items
        from unnest(the_items) as t (item_id)
        inner join media as m on t.item_id = m.item_id
        inner join queues as q on m.project_id = q.project_id
        where q.filtered and not q.restricted
        and not exists (select from work as w where w.queue_id = q.id and w.item_id = m.item_id)
        group by q.id
        order by q.id
    loop
        if touched.dataset_id is not null then
            perform keep_before_frontiers(touched.dataset_id, touched.items);
        else
            perform from queues as q where q.id = touched.id for no key update;
            insert into work (queue_id, item_id, status, order_key)
            select q.id, e.item_id, 'pending', e.order_key
            from queues as q
            inner join entries as e on q.collection_id = e.collection_id
            where q.id = touched.id and e.item_id = any(touched.items) and e.order_key < q.frontier
            and item_fits(e.item_id, q.project_id, q.include_tags, q.exclude_tags)
            order by e.item_id
            on conflict do nothing;
        end if;
    end loop;
end;
$$;

create function queues_follow_tags() returns trigger
language plpgsql as $$
begin
    -- Most tags that go are those of figures, one figure a time.
    if exists (select from changed as t where t.item_id is not null) then
        perform items_retagged(array(select distinct t.item_id from changed as t where t.item_id is not null));
    end if;
    return null;
end;
$$;
create trigger tagged_reach_queues after insert on tagged
referencing new table as changed for each statement execute function queues_follow_tags();
create trigger tagged_leave_queues after delete on tagged
referencing old table as changed for each statement execute function queues_follow_tags();

-- Queues ask for tags by their names: under another name, what was passed over may be theirs.
create function queues_follow_tag_names() returns trigger
language plpgsql as $$
begin
    perform from queues as q
    where q.project_id = new.project_id and q.filtered
    and array[old.name, new.name] && (q.include_tags || q.exclude_tags)
    order by q.id
    for no key update;
    if found then
        update queues as q
        set frontier = '', frontier_sort = '-Infinity', frontier_item = 0
        where q.project_id = new.project_id and q.filtered
        and array[old.name, new.name] && (q.include_tags || q.exclude_tags);
    end if;
    return null;
end;
$$;
create trigger label_tags_renamed_in_queues after update of name on label_tags
for each row
when (old.name <> new.name)
execute function queues_follow_tag_names();

-- ---------------------------------------------------------------------------------------------------------------------
-- Queues: handing out
-- ---------------------------------------------------------------------------------------------------------------------

-- Whether an item has every tag of some, and none of others.
create function item_fits(the_item integer, the_project integer, included text [], excluded text []) returns boolean
language sql stable parallel safe
return not exists (
    select from unnest(included) as u (name)
    where not exists (
        select from tagged as t
        inner join label_tags as g on t.tag_id = g.id
        where t.item_id = the_item and g.project_id = the_project and g.name = u.name
    )
) and not exists (
    select from tagged as t
    inner join label_tags as g on t.tag_id = g.id
    where t.item_id = the_item and g.project_id = the_project and g.name = any(excluded)
);

-- The first item of a queue's source, in its order, that nobody was given; locked, so that it neither leaves nor is given to
-- somebody else meanwhile. Those that others have locked are left out, or waited for. Whether an item has a row is asked item
-- by item here and below: a join, planned while `work` was empty, would read all rows of the queue for each that is given out.
create function waiting_item(q queues, waits boolean) returns table (item_id integer, order_key bytea)
language plpgsql as $$
begin
    if q.restricted or q.source = 'list' then
        return;
    elsif q.collection_id is not null
    and not exists (select from items as i where i.id = q.collection_id and i.deleted_at is null) then
        return;
    elsif q.collection_id is not null and not waits then
        return query
        select e.item_id, e.order_key
        from entries as e
        where e.collection_id = q.collection_id and e.order_key >= q.frontier
        and not coalesce((select true from work as w where w.queue_id = q.id and w.item_id = e.item_id limit 1), false)
        and (not q.filtered or item_fits(e.item_id, q.project_id, q.include_tags, q.exclude_tags))
        order by e.order_key
        limit 1
        for no key update of e skip locked;
    elsif q.collection_id is not null then
        return query
        select e.item_id, e.order_key
        from entries as e
        where e.collection_id = q.collection_id and e.order_key >= q.frontier
        and not coalesce((select true from work as w where w.queue_id = q.id and w.item_id = e.item_id limit 1), false)
        and (not q.filtered or item_fits(e.item_id, q.project_id, q.include_tags, q.exclude_tags))
        order by e.order_key
        limit 1
        for no key update of e;
    elsif not waits then
        return query
        select m.item_id, media_key(m.custom_sort, m.item_id)
        from media as m
        inner join items as i on m.item_id = i.id
        where m.dataset_id = q.dataset_id
        and (coalesce(m.custom_sort, 'Infinity'), m.item_id) >= (q.frontier_sort, q.frontier_item)
        and i.deleted_at is null
        and not coalesce((select true from work as w where w.queue_id = q.id and w.item_id = m.item_id limit 1), false)
        and (not q.filtered or item_fits(m.item_id, q.project_id, q.include_tags, q.exclude_tags))
        order by coalesce(m.custom_sort, 'Infinity'), m.item_id
        limit 1
        for no key update of m, i skip locked;
    else
        return query
        select m.item_id, media_key(m.custom_sort, m.item_id)
        from media as m
        inner join items as i on m.item_id = i.id
        where m.dataset_id = q.dataset_id
        and (coalesce(m.custom_sort, 'Infinity'), m.item_id) >= (q.frontier_sort, q.frontier_item)
        and i.deleted_at is null
        and not coalesce((select true from work as w where w.queue_id = q.id and w.item_id = m.item_id limit 1), false)
        and (not q.filtered or item_fits(m.item_id, q.project_id, q.include_tags, q.exclude_tags))
        order by coalesce(m.custom_sort, 'Infinity'), m.item_id
        limit 1
        for no key update of m, i;
    end if;
end;
$$;

-- Move the frontier of a queue ahead to the first item that waits without a row. Whoever may put something before it holds the
-- queue's row until that is seen by all, so while this holds it, what it sees is all there is; the looking is a later
-- statement than the holding for that reason.
create function advance_frontier(the_queue integer) returns void
language plpgsql
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
    q queues;
    entry_key bytea;
    place record;
begin
    select * into q from queues as u where u.id = the_queue and not u.restricted for no key update skip locked;
    if not found then
        return;
    elsif q.collection_id is not null then
        select e.order_key into entry_key
        from entries as e
        where e.collection_id = q.collection_id and e.order_key >= q.frontier
        and not coalesce((select true from work as w where w.queue_id = q.id and w.item_id = e.item_id limit 1), false)
        and (not q.filtered or item_fits(e.item_id, q.project_id, q.include_tags, q.exclude_tags))
        order by e.order_key
        limit 1;
        if not found then
            select e.order_key || decode('00', 'hex') into entry_key
            from entries as e
            where e.collection_id = q.collection_id
            order by e.order_key desc
            limit 1;
        end if;
        update queues as u set frontier = entry_key where u.id = the_queue and u.frontier < entry_key;
    else
        select coalesce(m.custom_sort, 'Infinity') as sort, m.item_id as item into place
        from media as m
        inner join items as i on m.item_id = i.id
        where m.dataset_id = q.dataset_id
        and (coalesce(m.custom_sort, 'Infinity'), m.item_id) >= (q.frontier_sort, q.frontier_item)
        and i.deleted_at is null
        and not coalesce((select true from work as w where w.queue_id = q.id and w.item_id = m.item_id limit 1), false)
        and (not q.filtered or item_fits(m.item_id, q.project_id, q.include_tags, q.exclude_tags))
        order by coalesce(m.custom_sort, 'Infinity'), m.item_id
        limit 1;
        if not found then
            select coalesce(m.custom_sort, 'Infinity') as sort, m.item_id + 1 as item into place
            from media as m
            where m.dataset_id = q.dataset_id
            order by coalesce(m.custom_sort, 'Infinity') desc, m.item_id desc
            limit 1;
        end if;
        update queues as u
        set frontier_sort = place.sort, frontier_item = place.item
        where u.id = the_queue and (u.frontier_sort, u.frontier_item) < (place.sort, place.item);
    end if;
end;
$$;

-- A row of one more round for a labeler who has none of that item, among the first so many items that wait for more
-- annotators (null: among all); null where there is none.
create function claim_more(q queues, j jobs, among integer) returns work
language plpgsql as $$
declare
    t work;
    moment timestamptz := statement_timestamp();
begin
    with open as (
        select w.item_id from work as w where w.queue_id = q.id and w.more > 0 order by w.item_id limit among
    ),
    found as (
        select w.item_id
        from open as f
        inner join work as w on w.queue_id = q.id and f.item_id = w.item_id and w.round = 1
        where w.present and w.more > 0 and not j.user_id = any(w.skipped_by)
        and not coalesce((
            select true from work as o
            where o.queue_id = q.id and o.item_id = f.item_id and o.labeler_id = j.user_id
            limit 1
        ), false)
        order by w.item_id
        limit 1
        for no key update of w skip locked
    ),
    fewer as (
        update work as w set more = w.more - 1
        from found as f
        where w.queue_id = q.id and w.item_id = f.item_id and w.round = 1
        returning w.item_id, w.order_key, w.priority
    )
    insert into work as w (
        queue_id, item_id, round, status, order_key, priority, job_id, labeler_id, given_at, lease_until
    )
    select
        q.id, f.item_id, (select max(o.round) + 1 from work as o where o.queue_id = q.id and o.item_id = f.item_id),
        'held', f.order_key, f.priority, j.id, j.user_id, moment, moment + make_interval(secs => q.lease_seconds)
    from fewer as f
    returning w.* into t;
    return t;
end;
$$;

-- The row that a labeler gets next, locked: what his job has already; then, of what others gave back or let run out and of
-- what has never been given out, what has the higher priority or else comes first; and where several annotators are asked,
-- one more of what others have. Null: nothing. `waits`: wait for what others have locked.
create function claim_to_label(q queues, j jobs, waits boolean, out t work, out verb text, out from_frontier boolean)
language plpgsql as $$
declare
    back work;
    first record;
    late record;
    moment timestamptz := statement_timestamp();
begin
    from_frontier := false;
    select w.* into t
    from work as w
    where w.job_id = j.id and w.status in ('held', 'rejected') and w.present
    order by w.status, w.order_key, w.item_id
    limit 1
    for no key update;
    if found then
        verb := case when t.given_at is null or t.lease_until < moment then 'given' end;
        return;
    end if;
    verb := 'none';
    if q.source = 'list' or q.status not in ('pending', 'in_progress') then
        return;
    end if;
    -- What came back, or has a priority.
    if waits then
        select w.* into back
        from work as w
        where w.queue_id = q.id and w.status = 'pending' and w.present and not j.user_id = any(w.skipped_by)
        and not coalesce((
            select true from work as o
            where o.queue_id = q.id and o.item_id = w.item_id and o.labeler_id = j.user_id
            limit 1
        ), false)
        and (not q.filtered or item_fits(w.item_id, q.project_id, q.include_tags, q.exclude_tags))
        order by w.priority desc, w.order_key, w.item_id, w.round
        limit 1
        for no key update of w;
    else
        select w.* into back
        from work as w
        where w.queue_id = q.id and w.status = 'pending' and w.present and not j.user_id = any(w.skipped_by)
        and not coalesce((
            select true from work as o
            where o.queue_id = q.id and o.item_id = w.item_id and o.labeler_id = j.user_id
            limit 1
        ), false)
        and (not q.filtered or item_fits(w.item_id, q.project_id, q.include_tags, q.exclude_tags))
        order by w.priority desc, w.order_key, w.item_id, w.round
        limit 1
        for no key update of w skip locked;
    end if;
    -- What somebody let run out; in the order of the leases, so that no other index than theirs is looked at.
    for late in
        select f.item_id, f.round
        from (
            select w.item_id, w.round, w.priority, w.lease_until
            from work as w
            where w.queue_id = q.id and w.status = 'held' and w.lease_until < moment and w.present
            and not j.user_id = any(w.skipped_by)
            and (back.queue_id is null or w.priority >= back.priority)
            and not coalesce((
                select true from work as o
                where o.queue_id = q.id and o.item_id = w.item_id and o.labeler_id = j.user_id
                limit 1
            ), false)
            order by w.lease_until
            limit 1000
        ) as f
        order by f.priority desc, f.lease_until
    loop
        select w.* into t
        from work as w
        where w.queue_id = q.id and w.item_id = late.item_id and w.round = late.round
        and w.status = 'held' and w.lease_until < moment and w.present
        for no key update skip locked;
        if found then
            verb := 'taken over';
            return;
        end if;
    end loop;
    verb := 'given';
    if back.priority > 0 or (back.priority = 0 and q.overlap = 1 and back.order_key < q.frontier) then
        t := back;
        return;
    end if;
    -- One more annotator for what is with others: among the first only, so that a labeler far ahead doesn't look at all.
    if q.overlap > 1 then
        t := claim_more(q, j, 50);
        if t.queue_id is not null then
            return;
        end if;
    end if;
    select f.item_id, f.order_key into first from waiting_item(q, waits and back.queue_id is null) as f;
    if found and (back.queue_id is null or back.priority < 0 or first.order_key < back.order_key) then
        insert into work as w (
            queue_id, item_id, status, order_key, job_id, labeler_id, given_at, lease_until, more
        )
        values (
            q.id, first.item_id, 'held', first.order_key, j.id, j.user_id, moment,
            moment + make_interval(secs => q.lease_seconds), q.overlap - 1
        )
        on conflict do nothing
        returning w.* into t;
        from_frontier := true;
        verb := case when found then 'new' else 'again' end;
    elsif back.queue_id is not null then
        t := back;
    elsif q.overlap > 1 then
        t := claim_more(q, j, null);
    end if;
end;
$$;

-- The row that a reviewer or checker gets next, locked: what is reserved for his job already, then what was handed in first of
-- what he may review.
create function claim_to_review(q queues, j jobs, the_user integer, waits boolean, out t work, out verb text)
language plpgsql as $$
declare
    wanted text := case when j.part = 'review' and q.quality_check then 'checked' else 'done' end;
    moment timestamptz := statement_timestamp();
begin
    select w.* into t
    from work as w
    where w.review_job_id = j.id and w.status in ('done', 'checked') and w.reviewer_id = the_user and w.present
    and w.review_until > moment
    order by w.submitted_at, w.item_id
    limit 1
    for no key update;
    if found then
        return;
    end if;
    verb := 'reserved';
    if waits then
        select w.* into t
        from work as w
        where w.queue_id = q.id and w.status = wanted and w.status in ('done', 'checked') and w.present
        and (w.review_until is null or w.review_until < moment)
        and (q.review_own or w.labeler_id <> the_user)
        and (q.source <> 'list' or w.job_id = j.id)
        order by w.submitted_at, w.item_id, w.round
        limit 1
        for no key update;
    else
        select w.* into t
        from work as w
        where w.queue_id = q.id and w.status = wanted and w.status in ('done', 'checked') and w.present
        and (w.review_until is null or w.review_until < moment)
        and (q.review_own or w.labeler_id <> the_user)
        and (q.source <> 'list' or w.job_id = j.id)
        order by w.submitted_at, w.item_id, w.round
        limit 1
        for no key update skip locked;
    end if;
end;
$$;

-- Hand a job its next item, all in one: who may (`workplaces`: the accounts that the user is in; `everything`: he administers
-- the server), what is next, and that it is written down. `outcome`: `given`, `none` (nothing is left, or it is stopped),
-- `foreign` (no such job of his), `busy` (others held all that is left for too long), or `stale` (the queue is over a live
-- collection, `made_of`, that is older than `fresh_for` seconds; null: that does not matter). `may_be_done`: nothing
-- is left of a dataset, so it is time to see whether all of it is accepted. A connection keeps the plans
-- that it made when the tables were empty, so what must never be a plan here is said.
create function claim_next(
    the_job integer, the_user integer, everything boolean, workplaces integer [], fresh_for double precision
)
returns table (
    outcome text, item_id integer, round smallint, state text, lease_until timestamptz, lease_seconds integer,
    queue_id integer, may_be_done boolean, made_of integer
)
language plpgsql
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
    q queues;
    j jobs;
    claimed record;
    t work;
    verb text;
    labels boolean;
    here boolean;
    stale boolean;
    waits boolean := false;
    from_frontier boolean := false;
    moment timestamptz := statement_timestamp();
    until timestamptz;
begin
    select u.* into j
    from jobs as u where u.id = the_job and u.archived_at is null and the_user in (u.user_id, u.reviewer_id);
    if not found then
        return query
        select
            'foreign', null::integer, null::smallint, null, null::timestamptz, null::integer, null::integer, false,
            null::integer;
        return;
    end if;
    select u.* into q from queues as u where u.id = j.queue_id and u.removed_at is null;
    select
        c.deleted_at is null and p.deleted_at is null,
        l.collection_id is not null
        and coalesce(l.refreshed_at < clock_timestamp() - make_interval(secs => fresh_for), fresh_for is not null)
    into here, stale
    from items as p
    left join items as c on c.id = q.collection_id
    left join live_collections as l on l.collection_id = q.collection_id
    where p.id = q.project_id and (everything or p.owner_id = any(workplaces));
    if not found then
        return query
        select
            'foreign', null::integer, null::smallint, null, null::timestamptz, null::integer, null::integer, false,
            null::integer;
        return;
    end if;
    if not here or q.status in ('stopped', 'completed') or j.status in ('stopped', 'completed') then
        return query
        select 'none', null::integer, null::smallint, null, null::timestamptz, null::integer, q.id, false, null::integer;
        return;
    end if;
    labels := j.part = 'annotate' and the_user = j.user_id;
    if stale and labels then
        return query
        select
            'stale', null::integer, null::smallint, null, null::timestamptz, null::integer, q.id, false, q.collection_id;
        return;
    end if;
    for attempt in 1..200 loop
        if labels then
            select * into claimed from claim_to_label(q, j, waits) as f;
            from_frontier := claimed.from_frontier;
        else
            select * into claimed from claim_to_review(q, j, the_user, waits) as f;
        end if;
        t := claimed.t;
        verb := claimed.verb;
        exit when t.queue_id is not null;
        if waits and verb <> 'again' then
            return query
            select
                'none', null::integer, null::smallint, null, null::timestamptz, null::integer, q.id, q.source = 'dataset',
                null::integer;
            return;
        end if;
        waits := verb <> 'again';
    end loop;
    if t.queue_id is null then
        return query
        select 'busy', null::integer, null::smallint, null, null::timestamptz, null::integer, q.id, false, null::integer;
        return;
    end if;
    until := case when q.source <> 'list' then moment + make_interval(secs => q.lease_seconds) end;
    if not labels then
        update work as w
        set review_job_id = j.id, reviewer_id = the_user, review_until = moment + make_interval(secs => q.lease_seconds),
            review_given_at = case when verb is null then w.review_given_at else moment end
        where w.queue_id = t.queue_id and w.item_id = t.item_id and w.round = t.round;
        until := moment + make_interval(secs => q.lease_seconds);
    elsif verb = 'taken over' then
        insert into work_log (queue_id, item_id, round, verb, actor_id, job_id, seconds)
        values (
            q.id, t.item_id, t.round, 'expired', t.labeler_id, t.job_id,
            extract(epoch from t.lease_until - coalesce(t.given_at, t.lease_until))
        );
        update work as w
        set job_id = j.id, labeler_id = j.user_id, given_at = moment, lease_until = until, labeling_seconds = 0
        where w.queue_id = t.queue_id and w.item_id = t.item_id and w.round = t.round;
    elsif t.status = 'pending' then
        update work as w
        set status = 'held', job_id = j.id, labeler_id = j.user_id, given_at = moment, lease_until = until,
            labeling_seconds = 0, more = case when w.given_at is null and w.round = 1 then q.overlap - 1 else w.more end
        where w.queue_id = t.queue_id and w.item_id = t.item_id and w.round = t.round;
        t.status := 'held';
    elsif verb is null and t.lease_until > moment + make_interval(secs => q.lease_seconds * 0.9) then
        until := t.lease_until;
    elsif verb is null or verb = 'given' and t.job_id = j.id and t.given_at is distinct from moment then
        -- His already: whoever asks is at work, so the lease begins anew; one that was not renewed in time begins again.
        until := case when t.status = 'held' and t.lease_until is null then null else until end;
        update work as w
        set lease_until = until, given_at = case when verb is null then w.given_at else moment end
        where w.queue_id = t.queue_id and w.item_id = t.item_id and w.round = t.round;
    end if;
    if verb is not null then
        insert into work_log (queue_id, item_id, round, verb, actor_id, job_id)
        values (q.id, t.item_id, t.round, case when labels then 'given' else 'reserved' end, the_user, j.id);
    end if;
    if j.status = 'pending' then
        update jobs as u
        set status = case when labels then 'in_progress' else 'on_review' end, started_at = moment
        where u.id = j.id and u.status = 'pending';
    end if;
    -- Whoever changes what the queue is made of holds its row, and may wait for what this claim holds: the next says it.
    if q.status = 'pending' and labels then
        perform from queues as u where u.id = q.id and u.status = 'pending' for no key update skip locked;
        if found then
            update queues as u set status = 'in_progress', started_at = moment where u.id = q.id;
        end if;
    end if;
    -- Looking on from the frontier costs as much as lies between it and what is given: it is moved ahead now and then.
    if from_frontier and random() < 0.12 then
        perform advance_frontier(q.id);
    end if;
    return query select 'given', t.item_id, t.round, t.status, until, q.lease_seconds, q.id, false, null::integer;
end;
$$;

-- The items of a queue's source that wait and have no row in `work`: all of them, so those that have one are read at once.
create function untouched_items(the_queue integer) returns table (item_id integer, order_key bytea)
language plpgsql stable
set enable_nestloop = off
as $$
declare
    q queues;
begin
    select u.* into q from queues as u where u.id = the_queue and not u.restricted and u.source <> 'list';
    if q.collection_id is not null then
        return query
        select e.item_id, e.order_key
        from entries as e
        where e.collection_id = q.collection_id and e.order_key >= q.frontier
        and (select s.deleted_at is null from items as s where s.id = q.collection_id)
        and not exists (select from work as w where w.queue_id = q.id and w.item_id = e.item_id)
        and (not q.filtered or item_fits(e.item_id, q.project_id, q.include_tags, q.exclude_tags));
    elsif q.dataset_id is not null then
        return query
        select m.item_id, media_key(m.custom_sort, m.item_id)
        from media as m
        where m.dataset_id = q.dataset_id
        and (coalesce(m.custom_sort, 'Infinity'), m.item_id) >= (q.frontier_sort, q.frontier_item)
        and (select i.deleted_at is null from items as i where i.id = m.item_id)
        and not exists (select from work as w where w.queue_id = q.id and w.item_id = m.item_id)
        and (not q.filtered or item_fits(m.item_id, q.project_id, q.include_tags, q.exclude_tags));
    end if;
end;
$$;

-- Some of them, in the source's order: so many, from an offset, or behind a key.
create function untouched_page(the_queue integer, behind bytea, how_many bigint, passed bigint)
returns table (item_id integer, order_key bytea)
language plpgsql stable
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
    q queues;
begin
    select u.* into q from queues as u where u.id = the_queue and not u.restricted and u.source <> 'list';
    if q.collection_id is not null then
        return query
        select e.item_id, e.order_key
        from entries as e
        where e.collection_id = q.collection_id and e.order_key >= greatest(q.frontier, behind)
        and e.order_key is distinct from behind
        and not exists (select from work as w where w.queue_id = q.id and w.item_id = e.item_id)
        and (not q.filtered or item_fits(e.item_id, q.project_id, q.include_tags, q.exclude_tags))
        order by e.order_key
        limit how_many offset passed;
    elsif q.dataset_id is not null then
        return query
        select m.item_id, media_key(m.custom_sort, m.item_id)
        from media as m
        inner join items as i on m.item_id = i.id
        where m.dataset_id = q.dataset_id and i.deleted_at is null
        and (coalesce(m.custom_sort, 'Infinity'), m.item_id) >= (q.frontier_sort, q.frontier_item)
        and (behind is null or media_key(m.custom_sort, m.item_id) > behind)
        and not exists (select from work as w where w.queue_id = q.id and w.item_id = m.item_id)
        and (not q.filtered or item_fits(m.item_id, q.project_id, q.include_tags, q.exclude_tags))
        order by coalesce(m.custom_sort, 'Infinity'), m.item_id
        limit how_many offset passed;
    end if;
end;
$$;

-- How a queue stands, by item (with several annotators: by the first's part): the sums that are kept, and what can't be kept
-- because nothing is written when a lease runs out. Where tags are asked for, what waits is counted.
create function queue_counts(the_queue integer) returns table (
    entities integer, untouched integer, back integer, expired integer, held integer, done integer, checked integer,
    accepted integer, rejected integer, skipped integer
)
language sql stable
begin atomic
select
    (kept.touched + open.untouched)::integer, open.untouched::integer, kept.back::integer, ran.out::integer,
    (kept.held - ran.out)::integer, kept.done::integer, kept.checked::integer, kept.accepted::integer,
    kept.rejected::integer, kept.skipped::integer
from queues as q
left join items as s on q.collection_id = s.id and s.deleted_at is null
left join collections as c on s.id = c.id
left join datasets as d on q.dataset_id = d.id
cross join lateral (
    select
        coalesce(sum(k.count), 0) as touched,
        coalesce(sum(k.count) filter (where k.status = 'pending'), 0) as back,
        coalesce(sum(k.count) filter (where k.status = 'held'), 0) as held,
        coalesce(sum(k.count) filter (where k.status = 'done'), 0) as done,
        coalesce(sum(k.count) filter (where k.status = 'checked'), 0) as checked,
        coalesce(sum(k.count) filter (where k.status = 'accepted'), 0) as accepted,
        coalesce(sum(k.count) filter (where k.status = 'rejected'), 0) as rejected,
        coalesce(sum(k.count) filter (where k.status = 'skipped'), 0) as skipped
    from work_counts as k
    where k.queue_id = q.id and k.present and k.round_one
) as kept
cross join lateral (
    select case
        when q.restricted or q.source = 'list' then 0
        when q.filtered then (select count(*) from untouched_items(q.id) as u)
        else coalesce(c.entry_count, d.item_count, 0) - kept.touched
    end as untouched
) as open
cross join lateral (
    select count(*) as out
    from work as w
    where w.queue_id = q.id and w.status = 'held' and w.lease_until < statement_timestamp() and w.present and w.round = 1
) as ran
where q.id = the_queue;
end;

-- The items that a user may see because a job of his holds them, or held them and has yet to be decided: an annotator sees
-- nothing else. `the_user` null: none.
create function at_work_on(the_item integer, the_user integer) returns boolean
language sql stable parallel safe
return exists (
    select 1
    from work as w
    inner join jobs as j on w.queue_id = j.queue_id
    where w.item_id = the_item and w.present and j.archived_at is null
    and (
        (j.user_id = the_user and (w.job_id = j.id or w.review_job_id = j.id))
        or (j.reviewer_id = the_user and w.job_id = j.id)
    )
);

-- Whether somebody has a job in a project: he sees the project, and its workspace. `the_user` null: none.
create function works_in_project(the_project integer, the_user integer) returns boolean
language sql stable parallel safe
return exists (
    select 1
    from jobs as j
    inner join queues as q on j.queue_id = q.id
    where (j.user_id = the_user or j.reviewer_id = the_user) and q.project_id = the_project and j.archived_at is null
);

-- Whether somebody has a job in a project of a workspace; those of no workspace are in their account's first one.
create function works_in_workspace(the_workspace integer, the_user integer) returns boolean
language sql stable parallel safe
return exists (
    select 1
    from jobs as j
    inner join queues as q on j.queue_id = q.id
    inner join projects as p on q.project_id = p.item_id
    inner join items as i on p.item_id = i.id
    inner join workspaces as w on i.owner_id = w.account_id and w.is_first
    where (j.user_id = the_user or j.reviewer_id = the_user) and j.archived_at is null
    and coalesce(p.workspace_id, w.id) = the_workspace
);

-- Whether somebody has a job in a dataset: in a queue over it, or one that has an item of it.
create function works_in_dataset(the_dataset integer, the_project integer, the_user integer) returns boolean
language sql stable parallel safe
return exists (
    select 1
    from jobs as j
    inner join queues as q on j.queue_id = q.id
    where (j.user_id = the_user or j.reviewer_id = the_user) and j.archived_at is null and q.project_id = the_project
    and (
        q.dataset_id = the_dataset
        or exists (
            select 1
            from work as w
            inner join media as m on w.item_id = m.item_id
            where w.job_id = j.id and w.present and m.dataset_id = the_dataset
        )
        or exists (
            select 1
            from work as w
            inner join media as m on w.item_id = m.item_id
            where w.review_job_id = j.id and w.present and m.dataset_id = the_dataset
        )
    )
);

-- The items that somebody sees because of his jobs: those of which `at_work_on` is true.
create function items_at_work(the_user integer) returns table (item_id integer)
language sql stable parallel safe
begin atomic
select w.item_id
from jobs as j
inner join work as w on j.id = w.job_id
where j.user_id = the_user and j.archived_at is null and w.present
union all
select w.item_id
from jobs as j
inner join work as w on j.id = w.review_job_id
where j.user_id = the_user and j.archived_at is null and w.present
union all
select w.item_id
from jobs as j
inner join work as w on j.id = w.job_id
where j.reviewer_id = the_user and j.archived_at is null and w.present;
end;

-- ---------------------------------------------------------------------------------------------------------------------
-- Labeling: who may, and how labels are written
-- ---------------------------------------------------------------------------------------------------------------------

-- Whether somebody may change the labels of an item: he may everywhere on its owner (`labelers`), or a job of his, in an
-- account that he is in (`workplaces`), is at work on it.
create function may_label(
    the_item integer, the_owner integer, everything boolean, labelers integer [], workplaces integer [], the_user integer
) returns boolean
language sql stable parallel safe
return case
    when everything or the_owner = any(labelers) then true
    when the_user is null or not the_owner = any(workplaces) then false
    else exists (
        select 1
        from work as w
        inner join jobs as j on w.queue_id = j.queue_id
        where w.item_id = the_item and j.user_id = the_user and w.present and j.archived_at is null
        and (
            (w.job_id = j.id and w.status in ('held', 'rejected'))
            or (w.review_job_id = j.id and w.status in ('done', 'checked'))
        )
    )
end;

-- Whether somebody sees of an item only the labels that he made: he labels it in a blind queue. Once all is decided, who has
-- the right to read the item anyway (`reads`) sees all.
create function sees_only_own(the_item integer, the_user integer, reads boolean) returns boolean
language sql stable parallel safe
return the_user is not null and exists (
    select 1
    from work as w
    inner join queues as q on w.queue_id = q.id
    inner join jobs as j on w.job_id = j.id
    where w.item_id = the_item and q.blind and w.present and j.user_id = the_user
    and (not reads or w.status in ('held', 'rejected', 'done', 'checked'))
) and not exists (
    select 1
    from work as w
    inner join jobs as j on w.review_job_id = j.id
    where w.item_id = the_item and w.present and j.user_id = the_user
);

-- How many labels an item has for somebody who only works on it.
create function labels_seen(the_item integer, labels integer, the_user integer) returns integer
language sql stable parallel safe
return case
    when labels > 0 and sees_only_own(the_item, the_user, false) then (
        select count(*)::integer from figures as f where f.item_id = the_item and f.created_by = the_user
    )
    else labels
end;

-- Write down what figures are, before they change or go.
create function remember_figures(the_figures integer [], the_user integer, gone boolean) returns void
language sql
begin atomic
insert into figure_history (
    figure_id, item_id, class_id, object_id, geometry_type, geometry, geometry_file, frame, meta, description, extras,
    track_id, priority, nn_created, nn_updated, tags, created_by, created_at, since, changed_by, removed
)
select
    f.id, f.item_id, f.class_id, f.object_id, f.geometry_type, f.geometry, f.geometry_file, f.frame, f.meta,
    f.description, f.extras, f.track_id, f.priority, f.nn_created, f.nn_updated,
    coalesce((
        select
            jsonb_agg(
                jsonb_build_object(
                    'tag_id', t.tag_id, 'value', t.value, 'from', t.frame_from, 'to', t.frame_to,
                    'extras', t.extras, 'created_by', t.created_by
                )
                order by t.id
            )
        from tagged as t
        where t.figure_id = f.id
    ), '[]'),
    f.created_by, f.created_at, f.updated_at, the_user, gone
from figures as f
where f.id = any(the_figures);
end;

-- Remove figures, with the record of what they were; the count of each item's labels follows. Returns how many there were.
create function remove_figures(the_figures integer [], the_user integer) returns integer
language plpgsql as $$
declare
    taken integer;
begin
    perform remember_figures(the_figures, the_user, true);
    with gone as (
        delete from figures as f where f.id = any(the_figures)
        returning f.item_id
    ), less as (
        select g.item_id, count(*)::integer as labels from gone as g group by g.item_id
    ), counted as (
        update media as m set label_count = m.label_count - l.labels, labeled_at = clock_timestamp()
        from less as l
        where m.item_id = l.item_id
    )
    select count(*) into taken from gone;
    return taken;
end;
$$;

-- Whether a value fits a tag: none where it takes none, one of its choices where it has some.
create function tag_value_fits(the_type text, the_choices jsonb, the_value jsonb) returns boolean
language sql immutable parallel safe
return case the_type
    when 'none' then coalesce(jsonb_typeof(the_value), 'null') = 'null'
    when 'any_number' then coalesce(jsonb_typeof(the_value), '') = 'number'
    when 'oneof_string' then coalesce(jsonb_typeof(the_value), '') = 'string' and the_choices @> the_value
    else coalesce(jsonb_typeof(the_value), '') = 'string'
end;

-- Find the classes and tags that labels of one project name. `the_labels`: objects with `n` (their place), `item`, `class` or
-- `class_id` or `object_id`, `type`; `the_tags`: objects with `k` (their place), `name` or `tag_id`, `value`. Of what is wrong
-- the first is told: `problem`, its place, and what there is to say about it.
create function resolve_labels(
    the_project integer, the_labels jsonb, the_tags jsonb,
    out problem text, out place integer, out said jsonb, out class_ids integer [], out tag_ids integer []
)
language plpgsql stable as $$
begin
    select array_agg(f.class_id order by f.n),
        (array_agg(f.problem order by f.n) filter (where f.problem is not null))[1],
        min(f.n) filter (where f.problem is not null),
        (array_agg(f.said order by f.n) filter (where f.problem is not null))[1]
    into class_ids, problem, place, said
    from (
        select l.n, c.id as class_id,
            case
                when l.object_id is not null and o.id is null then 'object'
                when c.id is null then 'class'
                when c.shape not in ('any', coalesce(l.type, c.shape)) then 'shape'
            end as problem,
            jsonb_build_object(
                'class', coalesce(c.name, l.class), 'class_id', l.class_id, 'shape', c.shape, 'type', l.type,
                'object_id', l.object_id
            ) as said
        from jsonb_to_recordset(the_labels) as l (
            n integer, item integer, class text, class_id integer, object_id integer, type text
        )
        left join lateral (
            select x.id, x.class_id from label_objects as x
            where x.id = l.object_id and x.project_id = the_project and (
                x.item_id = l.item
                or (
                    x.item_id is null
                    and x.dataset_id = (select m.dataset_id from media as m where m.item_id = l.item)
                )
            )
        ) as o on l.object_id is not null
        left join lateral (
            select x.id, x.name, x.shape from label_classes as x
            where l.object_id is null and l.class is not null and x.project_id = the_project and x.name = l.class
            union all
            select x.id, x.name, x.shape from label_classes as x
            where x.id = case
                when l.object_id is not null then o.class_id
                when l.class is null then l.class_id
            end and x.project_id = the_project
        ) as c on true
    ) as f;
    if problem is not null or jsonb_array_length(the_tags) = 0 then
        return;
    end if;
    select array_agg(f.tag_id order by f.k),
        (array_agg(f.problem order by f.k) filter (where f.problem is not null))[1],
        min(f.k) filter (where f.problem is not null),
        (array_agg(f.said order by f.k) filter (where f.problem is not null))[1]
    into tag_ids, problem, place, said
    from (
        select t.k, g.id as tag_id,
            case
                when g.id is null then 'tag'
                when not tag_value_fits(g.value_type, g.choices, t.value) then 'value'
            end as problem,
            jsonb_build_object(
                'tag', coalesce(g.name, t.name), 'tag_id', t.tag_id, 'type', g.value_type, 'choices', g.choices
            ) as said
        from jsonb_to_recordset(the_tags) as t (k integer, name text, tag_id integer, value jsonb)
        left join lateral (
            select x.id, x.name, x.value_type, x.choices from label_tags as x
            where t.name is not null and x.project_id = the_project and x.name = t.name
            union all
            select x.id, x.name, x.value_type, x.choices from label_tags as x
            where t.name is null and x.id = t.tag_id and x.project_id = the_project
        ) as g on true
    ) as f;
end;
$$;

-- Write figures with their tags (those whose `l` is the place of a label), whose classes and tags were found; the count of
-- each item's labels follows. Returns the new figures' ids, in the order of the labels.
create function add_labels(
    the_labels jsonb, the_tags jsonb, class_ids integer [], tag_ids integer [], the_user integer
) returns integer []
language plpgsql as $$
declare
    made integer [];
begin
    with wanted as materialized (
        select nextval('figures_id_seq')::integer as id, class_ids[l.n + 1] as class_id, l.*
        from jsonb_to_recordset(the_labels) as l (
            n integer, item integer, object_id integer, type text, geometry jsonb, frame integer, meta jsonb,
            description text, extras jsonb, track text, priority integer, nn_created boolean, nn_updated boolean
        )
    ), figured as (
        insert into figures (
            id, item_id, class_id, object_id, geometry_type, geometry, frame, meta, description, extras, track_id,
            priority, nn_created, nn_updated, created_by
        )
        overriding system value
        select
            w.id, w.item, w.class_id, w.object_id,
            coalesce(w.type, (select c.shape from label_classes as c where c.id = w.class_id)), w.geometry, w.frame,
            coalesce(w.meta, '{}'), coalesce(w.description, ''), coalesce(w.extras, '{}'), w.track, w.priority,
            coalesce(w.nn_created, false), coalesce(w.nn_updated, false), the_user
        from wanted as w
    ), counted as (
        update media as m set label_count = m.label_count + c.labels, labeled_at = clock_timestamp()
        from (select w.item, count(*)::integer as labels from wanted as w group by w.item) as c
        where m.item_id = c.item
    )
    select array_agg(w.id order by w.n) into made from wanted as w;
    if jsonb_path_exists(the_tags, '$[*] ? (@.l >= 0)') then
        insert into tagged (tag_id, figure_id, value, frame_from, frame_to, extras, created_by)
        select tag_ids[t.k + 1], made[w.place], nullif(t.value, 'null'), t.frame_from, t.frame_to, coalesce(t.extras, '{}'), the_user
        from jsonb_to_recordset(the_tags) as t (
            k integer, l integer, value jsonb, frame_from integer, frame_to integer, extras jsonb
        )
        inner join (
            select l.n, row_number() over (order by l.n) as place
            from jsonb_to_recordset(the_labels) as l (n integer)
        ) as w on t.l = w.n
        order by t.k;
    end if;
    return coalesce(made, '{}');
end;
$$;

-- Whoever saves labels goes on working: his leases on those items begin anew, once a part of them is over. One that ran out
-- is not his any more.
create function extend_leases(the_items integer [], the_user integer) returns void
language plpgsql as $$
begin
    if not exists (
        select from work as w
        where w.item_id = any(the_items) and (w.labeler_id = the_user or w.reviewer_id = the_user)
    ) then
        return;
    end if;
    update work as w
    set lease_until = case when w.status = 'held' then now() + make_interval(secs => q.lease_seconds) else w.lease_until end,
        review_until = case
            when w.status = 'held' then w.review_until else now() + make_interval(secs => q.lease_seconds)
        end
    from queues as q
    where w.queue_id = q.id and w.item_id = any(the_items) and w.present and (
        (
            w.status = 'held' and w.labeler_id = the_user and w.lease_until > now()
            and w.lease_until < now() + make_interval(secs => q.lease_seconds * 0.75)
        )
        or (
            w.status in ('done', 'checked') and w.reviewer_id = the_user and w.review_until > now()
            and w.review_until < now() + make_interval(secs => q.lease_seconds * 0.75)
        )
    );
end;
$$;

-- Replace the labels and tags of one item by those of an annotation: `labels` and `tags` as `resolve_labels` and `add_labels`
-- take them (tags of the item itself have -1 for `l`), `description` and `custom_data` where they are to change. A label that
-- has the `id` of a figure of the item goes on being that figure: nothing is written where it is the same. Who sees only his
-- own labels there replaces only those. Where something is wrong nothing is done, and `problem` says what.
create function put_annotation(
    the_item integer, the_annotation jsonb, the_user integer,
    everything boolean, accounts integer [], labelers integer [], workplaces integer [],
    out item_id integer, out problem text, out place integer, out said jsonb, out figure_ids integer []
)
language plpgsql as $$
declare
    held record;
    labels jsonb := the_annotation -> 'labels';
    tags jsonb := the_annotation -> 'tags';
    found_ids record;
    own boolean := false;
    stay integer [];
    fresh jsonb;
begin
    item_id := the_item;
    select m.project_id, m.label_count, i.owner_id, i.visibility into held
    from media as m
    inner join items as i on m.item_id = i.id
    where m.item_id = the_item and i.deleted_at is null
    for no key update of m;
    if not found then
        problem := 'absent';
        return;
    end if;
    if not everything and not held.owner_id = any(labelers)
        and not may_label(the_item, held.owner_id, everything, labelers, workplaces, the_user) then
        problem := 'refused';
        return;
    end if;
    select r.* into found_ids from resolve_labels(held.project_id, labels, tags) as r;
    if found_ids.problem is not null then
        problem := found_ids.problem;
        place := found_ids.place;
        said := found_ids.said;
        return;
    end if;
    if exists (select from work as w where w.item_id = the_item) then
        own := sees_only_own(the_item, the_user, everything or readable(held.visibility, held.owner_id, everything, accounts));
        perform extend_leases(array[the_item], the_user);
    end if;
    if held.label_count > 0 then
        stay := keep_figures(the_item, own, labels, tags, found_ids.class_ids, found_ids.tag_ids, the_user);
    end if;
    if stay is null then
        figure_ids := add_labels(labels, tags, found_ids.class_ids, found_ids.tag_ids, the_user);
    else
        select jsonb_agg(l.value order by l.ordinality) into fresh
        from jsonb_array_elements(labels) with ordinality as l
        where stay[l.ordinality] is null;
        figure_ids := add_labels(coalesce(fresh, '[]'), tags, found_ids.class_ids, found_ids.tag_ids, the_user);
        select array_agg(coalesce(f.id, figure_ids[f.before_n]) order by f.n) into figure_ids
        from (
            select k.n, k.id, count(*) filter (where k.id is null) over (order by k.n) as before_n
            from unnest(stay) with ordinality as k (id, n)
        ) as f;
    end if;
    if tags <> '[]' or exists (select from tagged as t where t.item_id = the_item) then
        perform put_item_tags(the_item, own, tags, found_ids.tag_ids, the_user);
    end if;
    if the_annotation ? 'description' or the_annotation ? 'custom_data' or jsonb_array_length(labels) = 0 then
        update media as m
        set labeled_at = clock_timestamp(),
            description = coalesce(the_annotation ->> 'description', m.description),
            custom_data = coalesce(the_annotation -> 'custom_data', m.custom_data)
        where m.item_id = the_item;
    end if;
end;
$$;

-- Of an item's figures, keep those that labels name by their ids, with what changed about them, and remove the others.
-- Returns the figure that each label goes on being, in the order of the labels, null where it is a new one; null if all are.
create function keep_figures(
    the_item integer, own boolean, the_labels jsonb, the_tags jsonb, class_ids integer [], tag_ids integer [],
    the_user integer
) returns integer []
language plpgsql as $$
declare
    stay integer [];
    gone integer [];
    changed integer [];
begin
    select array_agg(case when l.nth = 1 then f.id end order by l.n) into stay
    from (
        select x.n, x.id, row_number() over (partition by x.id order by x.n) as nth
        from jsonb_to_recordset(the_labels) as x (n integer, id integer)
    ) as l
    left join figures as f
        on l.id = f.id and f.item_id = the_item and (not own or f.created_by is not distinct from the_user);
    select array_agg(f.id) into gone
    from figures as f
    where f.item_id = the_item and (not own or f.created_by is not distinct from the_user)
    and not f.id = any(array_remove(coalesce(stay, '{}'), null));
    if gone is not null then
        perform remove_figures(gone, the_user);
    end if;
    if stay is null or array_remove(stay, null) = '{}' then
        return null;
    end if;
    select array_agg(f.id) into changed
    from jsonb_to_recordset(the_labels) as l (
        n integer, object_id integer, type text, geometry jsonb, frame integer, meta jsonb, description text, extras jsonb,
        track text, priority integer, nn_created boolean, nn_updated boolean
    )
    inner join figures as f on stay[l.n + 1] = f.id
    where (
        f.class_id, f.object_id, f.geometry_type, f.geometry, f.frame, f.meta, f.description, f.extras, f.track_id,
        f.priority, f.nn_created, f.nn_updated
    ) is distinct from (
        class_ids[l.n + 1], l.object_id, coalesce(l.type, f.geometry_type),
        case when l.geometry is null and f.geometry_file is not null then f.geometry else l.geometry end, l.frame,
        coalesce(l.meta, '{}'), coalesce(l.description, ''), coalesce(l.extras, '{}'), l.track, l.priority,
        coalesce(l.nn_created, false), coalesce(l.nn_updated, false)
    )
    or coalesce((
        select jsonb_agg(array[to_jsonb(t.tag_id), t.value, to_jsonb(t.frame_from), to_jsonb(t.frame_to)] order by t.tag_id, t.value)
        from tagged as t where t.figure_id = f.id
    ), '[]') <> coalesce((
        select jsonb_agg(
            array[to_jsonb(tag_ids[t.k + 1]), nullif(t.value, 'null'), to_jsonb(t.frame_from), to_jsonb(t.frame_to)]
            order by tag_ids[t.k + 1], nullif(t.value, 'null')
        )
        from jsonb_to_recordset(the_tags) as t (
            k integer, l integer, value jsonb, frame_from integer, frame_to integer
        )
        where t.l = l.n
    ), '[]');
    if changed is null then
        return stay;
    end if;
    perform remember_figures(changed, the_user, false);
    update figures as f
    set class_id = class_ids[l.n + 1], object_id = l.object_id, geometry_type = coalesce(l.type, f.geometry_type),
        geometry = case when l.geometry is null and f.geometry_file is not null then f.geometry else l.geometry end,
        geometry_file = case when l.geometry is null then f.geometry_file end,
        frame = l.frame, meta = coalesce(l.meta, '{}'), description = coalesce(l.description, ''),
        extras = coalesce(l.extras, '{}'), track_id = l.track, priority = l.priority,
        nn_created = coalesce(l.nn_created, false), nn_updated = coalesce(l.nn_updated, false),
        updated_by = the_user, updated_at = clock_timestamp()
    from jsonb_to_recordset(the_labels) as l (
        n integer, object_id integer, type text, geometry jsonb, frame integer, meta jsonb, description text, extras jsonb,
        track text, priority integer, nn_created boolean, nn_updated boolean
    )
    where f.id = stay[l.n + 1] and f.id = any(changed);
    delete from tagged as t where t.figure_id = any(changed);
    insert into tagged (tag_id, figure_id, value, frame_from, frame_to, extras, created_by)
    select tag_ids[t.k + 1], stay[t.l + 1], nullif(t.value, 'null'), t.frame_from, t.frame_to, coalesce(t.extras, '{}'), the_user
    from jsonb_to_recordset(the_tags) as t (
        k integer, l integer, value jsonb, frame_from integer, frame_to integer, extras jsonb
    )
    where stay[t.l + 1] = any(changed)
    order by t.k;
    update media as m set labeled_at = clock_timestamp() where m.item_id = the_item;
    return stay;
end;
$$;

-- Give an item the tags of an annotation (those whose `l` is -1): others go, those that it has stay as they are.
create function put_item_tags(
    the_item integer, own boolean, the_tags jsonb, tag_ids integer [], the_user integer
) returns void
language plpgsql as $$
begin
    delete from tagged as t
    where t.item_id = the_item and (not own or t.created_by is not distinct from the_user) and not exists (
        select from jsonb_to_recordset(the_tags) as w (k integer, l integer, value jsonb, frame_from integer, frame_to integer)
        where w.l = -1 and tag_ids[w.k + 1] = t.tag_id
        and (nullif(w.value, 'null'), w.frame_from, w.frame_to) is not distinct from (t.value, t.frame_from, t.frame_to)
    );
    if not jsonb_path_exists(the_tags, '$[*] ? (@.l < 0)') then
        return;
    end if;
    insert into tagged (tag_id, item_id, value, frame_from, frame_to, extras, created_by)
    select distinct on (tag_ids[w.k + 1], nullif(w.value, 'null'), w.frame_from, w.frame_to)
        tag_ids[w.k + 1], the_item, nullif(w.value, 'null'), w.frame_from, w.frame_to, coalesce(w.extras, '{}'), the_user
    from jsonb_to_recordset(the_tags) as w (
        k integer, l integer, value jsonb, frame_from integer, frame_to integer, extras jsonb
    )
    where w.l = -1 and not exists (
        select from tagged as t
        where t.item_id = the_item and t.tag_id = tag_ids[w.k + 1]
        and (not own or t.created_by is not distinct from the_user)
        and (nullif(w.value, 'null'), w.frame_from, w.frame_to) is not distinct from (t.value, t.frame_from, t.frame_to)
    );
end;
$$;
