-- People, what they keep, what they collect, and the record of who did what.
--
-- Conventions: ids are dense integers (bitmaps over them stay small; the `supervisely` client demands positive ones
-- below 2^31); every constraint has a name, which a room's service turns into a domain error; a table that grows with
-- the content of collections leads with its collection's id, so that it can be partitioned by hash later.

-- ---------------------------------------------------------------------------------------------------------------------
-- People
-- ---------------------------------------------------------------------------------------------------------------------

create table accounts (
    id integer generated always as identity,
    kind text not null,
    name text not null,
    display_name text not null default '',
    email text,
    password_hash text,
    is_admin boolean not null default false,
    organization_id integer,
    created_at timestamptz not null default now(),
    deleted_at timestamptz,
    constraint accounts_pkey primary key (id),
    constraint accounts_kind_known check (kind in ('user', 'organization', 'team')),
    constraint accounts_name_wellformed check (name ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,95}$'),
    constraint accounts_team_has_organization check ((kind = 'team') = (organization_id is not null)),
    constraint accounts_only_users_sign_in check (kind = 'user' or (password_hash is null and not is_admin)),
    constraint accounts_organization_fkey foreign key (organization_id) references accounts (id)
);
-- One namespace of names: users, organizations and teams share it; a deleted account's name is free again.
create unique index accounts_name_taken on accounts (lower(name)) where deleted_at is null;
create unique index accounts_email_taken on accounts (lower(email)) where deleted_at is null and email is not null;
create index accounts_by_organization on accounts (organization_id) where organization_id is not null;

create table memberships (
    user_id integer not null,
    account_id integer not null,
    role text not null,
    created_at timestamptz not null default now(),
    constraint memberships_pkey primary key (user_id, account_id),
    constraint memberships_role_known check (role in ('viewer', 'member', 'admin')),
    constraint memberships_user_fkey foreign key (user_id) references accounts (id) on delete cascade,
    constraint memberships_account_fkey foreign key (account_id) references accounts (id) on delete cascade
);
create index memberships_by_account on memberships (account_id);

create table tokens (
    id integer generated always as identity,
    user_id integer not null,
    name text not null,
    digest bytea not null,
    hint text not null,
    scope text not null,
    bound_to integer,
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    last_used_at timestamptz,
    constraint tokens_pkey primary key (id),
    constraint tokens_digest_taken unique (digest),
    constraint tokens_scope_known check (scope in ('read', 'write', 'admin')),
    constraint tokens_user_fkey foreign key (user_id) references accounts (id) on delete cascade,
    constraint tokens_bound_to_fkey foreign key (bound_to) references accounts (id) on delete cascade
);
create index tokens_by_user on tokens (user_id);

create table sessions (
    digest bytea not null,
    user_id integer not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    constraint sessions_pkey primary key (digest),
    constraint sessions_user_fkey foreign key (user_id) references accounts (id) on delete cascade
);
create index sessions_by_expiry on sessions (expires_at);

-- RFC 8628: a device shows a short code, its owner approves it in the browser, the device polls with a long one.
create table device_grants (
    device_digest bytea not null,
    user_code text not null,
    client_id text not null,
    user_id integer,
    denied boolean not null default false,
    polled_at timestamptz,
    expires_at timestamptz not null,
    constraint device_grants_pkey primary key (device_digest),
    constraint device_grants_user_code_taken unique (user_code),
    constraint device_grants_user_fkey foreign key (user_id) references accounts (id) on delete cascade
);

-- ---------------------------------------------------------------------------------------------------------------------
-- The catalog: everything that a collection can point at is an item
-- ---------------------------------------------------------------------------------------------------------------------

-- `name_key` is what must be unique among the live items of one kind, owner and container: the name without case for
-- what has an address, the title for a showcase. `place` orders an owner's collections. A row here changes only with the
-- item's identity or visibility; counters live beside it, so that counting a vote never waits for a change of access.
create table items (
    id integer generated always as identity,
    kind text not null,
    owner_id integer,
    container_id integer,
    name text not null,
    name_key text not null,
    title text not null default '',
    visibility text not null default 'public',
    place bytea,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz,
    deleted_by integer,
    closed boolean not null generated always as (visibility <> 'public' or deleted_at is not null) stored,
    document tsvector not null generated always as (
        to_tsvector('simple'::regconfig, regexp_replace(name || ' ' || title, '[^[:alnum:]]+', ' ', 'g'))
    ) stored,
    constraint items_pkey primary key (id),
    constraint items_kind_known check (
        kind in ('model', 'dataset', 'space', 'paper', 'bucket', 'reference', 'collection')
    ),
    constraint items_visibility_known check (visibility in ('public', 'private')),
    constraint items_owner_fkey foreign key (owner_id) references accounts (id),
    constraint items_container_fkey foreign key (container_id) references items (id)
);
create unique index items_name_taken on items (kind, owner_id, container_id, name_key) nulls not distinct
where deleted_at is null;
create index items_by_owner on items (owner_id, kind);
create index items_by_title on items (lower(title)) where kind = 'paper';
create index items_by_place on items (owner_id, place) where kind = 'collection' and deleted_at is null;
create index items_trashed on items (deleted_at) where deleted_at is not null;
create index items_by_document on items using gin (document) with (fastupdate = off);

-- Where an item used to be found; a name that is taken again wins over its redirect.
create table redirects (
    kind text not null,
    owner_id integer,
    name_key text not null,
    item_id integer not null,
    created_at timestamptz not null default now(),
    constraint redirects_item_fkey foreign key (item_id) references items (id) on delete cascade
);
create unique index redirects_name_taken on redirects (kind, owner_id, name_key) nulls not distinct;
create index redirects_by_item on redirects (item_id);

create table repos (
    item_id integer not null,
    gated text,
    sdk text,
    description text not null default '',
    pipeline_tag text,
    library_name text,
    tags text [] not null default '{}',
    card jsonb not null default '{}',
    downloads bigint not null default 0,
    last_modified timestamptz not null default now(),
    constraint repos_pkey primary key (item_id),
    constraint repos_gated_known check (gated in ('auto', 'manual')),
    constraint repos_item_fkey foreign key (item_id) references items (id) on delete cascade
);
create index repos_by_tag on repos using gin (tags);
create index repos_by_last_modified on repos (last_modified desc, item_id desc);
create index repos_by_downloads on repos (downloads desc, item_id desc);

create table papers (
    item_id integer not null,
    authors jsonb not null default '[]',
    abstract text not null default '',
    published_at timestamptz,
    registered_by integer,
    constraint papers_pkey primary key (item_id),
    constraint papers_item_fkey foreign key (item_id) references items (id) on delete cascade
);

-- A reference to something that lives elsewhere: what it is there (`target_kind`, a free word) and where.
create table external_references (
    item_id integer not null,
    target_kind text not null,
    url text not null,
    constraint external_references_pkey primary key (item_id),
    constraint external_references_item_fkey foreign key (item_id) references items (id) on delete cascade
);

-- Likes of repos, upvotes of papers and collections: one vote per user and item. `vote_counts` keeps the sums,
-- for a repo from its first day, so that its index has all repos in the order of their likes.
create table votes (
    item_id integer not null,
    user_id integer not null,
    created_at timestamptz not null default now(),
    constraint votes_pkey primary key (item_id, user_id),
    constraint votes_item_fkey foreign key (item_id) references items (id) on delete cascade,
    constraint votes_user_fkey foreign key (user_id) references accounts (id) on delete cascade
);
create index votes_by_user on votes (user_id, created_at desc);
create index votes_by_time on votes (created_at desc, item_id);

create table vote_counts (
    item_id integer not null,
    votes integer not null default 0,
    constraint vote_counts_pkey primary key (item_id),
    constraint vote_counts_item_fkey foreign key (item_id) references items (id) on delete cascade
);
create index vote_counts_by_votes on vote_counts (votes desc, item_id desc);

-- ---------------------------------------------------------------------------------------------------------------------
-- Collections
-- ---------------------------------------------------------------------------------------------------------------------

-- Identity, owner, title, visibility and place are on the collection's row in `items`; here is what only collections have.
-- `types`: what a collection of artifact versions accepts; a showcase has none.
create table collections (
    id integer not null,
    kind text not null,
    public_id text not null,
    description text not null default '',
    theme text not null default 'orange',
    tags text [] not null default '{}',
    types text [] not null default '{}',
    resource_group text,
    revision integer not null default 1,
    entry_count integer not null default 0,
    updated_at timestamptz not null default now(),
    former_owners integer [] not null default '{}',
    document tsvector not null generated always as (
        to_tsvector('simple'::regconfig, regexp_replace(description, '[^[:alnum:]]+', ' ', 'g'))
    ) stored,
    constraint collections_pkey primary key (id),
    constraint collections_public_id_taken unique (public_id),
    constraint collections_kind_known check (kind in ('showcase')),
    constraint collections_public_id_wellformed check (public_id ~ '^[0-9a-f]{24}$'),
    constraint collections_description_length check (kind <> 'showcase' or char_length(description) <= 150),
    constraint collections_theme_known check (theme in ('orange', 'blue', 'green', 'purple', 'pink', 'indigo')),
    constraint collections_entry_count_positive check (entry_count >= 0),
    constraint collections_item_fkey foreign key (id) references items (id) on delete cascade
);
create index collections_by_updated_at on collections (updated_at desc, id desc);
create index collections_by_tag on collections using gin (tags);
create index collections_by_document on collections using gin (document) with (fastupdate = off);

-- One item in one collection, as it is now. A row's public id is made of (collection_id, added_rev, item_id), so it needs
-- no column; `since_rev` is the revision that gave the row its present form, `closed` repeats the item's, so that what a
-- reader can't see is counted without a walk through the rest. There are no foreign keys: checking them would cost more
-- than the insert (measured in docs/decisions), and items are never removed from under an entry: they are marked deleted, and
-- a purge takes their entries along.
create table entries (
    collection_id integer not null,
    item_id integer not null,
    order_key bytea not null,
    since_rev integer not null,
    added_rev integer not null,
    added_by integer,
    added_at timestamptz not null default now(),
    closed boolean not null default false,
    score real,
    note text,
    constraint entries_item_taken primary key (item_id, collection_id),
    -- Checked at the end of a statement: restoring a revision may give two entries each other's keys.
    constraint entries_in_order unique (collection_id, order_key) deferrable initially immediate,
    constraint entries_note_length check (char_length(note) between 1 and 500)
);
create index entries_by_revision on entries (collection_id, since_rev);
create index entries_closed on entries (collection_id) where closed;

-- The forms that entries had: each was true from `since_rev` up to, not including, `until_rev`.
create table entry_history (
    collection_id integer not null,
    item_id integer not null,
    order_key bytea not null,
    since_rev integer not null,
    until_rev integer not null,
    added_rev integer not null,
    added_by integer,
    added_at timestamptz not null,
    score real,
    note text,
    constraint entry_history_pkey primary key (collection_id, until_rev, item_id)
);
create index entry_history_by_item on entry_history (item_id, collection_id);
create index entry_history_in_order on entry_history (collection_id, order_key);

-- The forms that a collection's own fields had, in the same way.
create table collection_history (
    collection_id integer not null,
    until_rev integer not null,
    owner_id integer not null,
    title text not null,
    name text not null,
    visibility text not null,
    description text not null,
    theme text not null,
    tags text [] not null,
    constraint collection_history_pkey primary key (collection_id, until_rev),
    constraint collection_history_collection_fkey foreign key (collection_id) references collections (
        id
    ) on delete cascade
);

create table revision_names (
    collection_id integer not null,
    name text not null,
    revision integer not null,
    created_by integer,
    created_at timestamptz not null default now(),
    constraint revision_names_pkey primary key (collection_id, name),
    constraint revision_names_name_wellformed check (name ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' and name !~ '^[0-9]+$'),
    constraint revision_names_collection_fkey foreign key (collection_id) references collections (id) on delete cascade
);

-- The set of a large collection's item ids, compressed (a roaring bitmap), as of `revision`; brought up to date when read.
create table membership_bitmaps (
    collection_id integer not null,
    revision integer not null,
    items bytea not null,
    constraint membership_bitmaps_pkey primary key (collection_id),
    constraint membership_bitmaps_collection_fkey foreign key (collection_id) references collections (
        id
    ) on delete cascade
);

-- ---------------------------------------------------------------------------------------------------------------------
-- The record
-- ---------------------------------------------------------------------------------------------------------------------

-- Ids are given out before their transactions commit, so a reader that remembered the last id would miss some. Readers
-- go by (txid, id) and stop before the oldest transaction still running: nothing can appear behind their cursor.
-- `before` and `after` name items by id only: names are looked up for each reader, who may not be allowed to see them.
create table events (
    txid xid8 not null default pg_current_xact_id(),
    id bigint generated always as identity,
    at timestamptz not null default now(),
    verb text not null,
    actor_id integer,
    token_id integer,
    api text not null,
    request_id text not null default '',
    account_id integer,
    item_id integer,
    collection_id integer,
    revision integer,
    before jsonb,
    after jsonb,
    reason text,
    constraint events_pkey primary key (txid, id)
);
create index events_by_collection on events (collection_id, id) where collection_id is not null;
create index events_by_item on events (item_id, id) where item_id is not null;

-- The answers given to requests that carried an idempotency key: the same request gets the same answer.
create table idempotency_keys (
    user_id integer not null,
    key text not null,
    request_digest bytea not null,
    status integer not null,
    answer bytea not null,
    created_at timestamptz not null default now(),
    constraint idempotency_keys_pkey primary key (user_id, key),
    constraint idempotency_keys_user_fkey foreign key (user_id) references accounts (id) on delete cascade
);
create index idempotency_keys_by_age on idempotency_keys (created_at);

-- ---------------------------------------------------------------------------------------------------------------------
-- Who may read
-- ---------------------------------------------------------------------------------------------------------------------

-- Every role that a user holds, and why: his own account, his memberships, and what an organization's role gives in its
-- teams (an admin of the organization is an admin of each of its teams). Checking, listing and explaining all read this.
create function roles_of(the_user integer) returns table (account_id integer, role text, because text)
language sql stable parallel safe
begin atomic
    select the_user, 'owner'::text, 'own account'::text
    where the_user is not null
    union all
    select m.account_id, m.role, 'membership'::text
    from memberships as m
    inner join accounts as a on m.account_id = a.id
    where m.user_id = the_user and a.deleted_at is null
    union all
    select t.id, 'admin'::text, 'admin of the team''s organization'::text
    from memberships as m
    inner join accounts as t on m.account_id = t.organization_id
    where m.user_id = the_user and m.role = 'admin' and t.deleted_at is null;
end;

-- Whether a reader who holds a reading role in `accounts` (or may read everything) sees something of that owner.
create function readable(visibility text, owner_id integer, everything boolean, accounts integer []) returns boolean
language sql immutable parallel safe
return everything or visibility = 'public' or owner_id = any (accounts);

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

-- What an item looks like in a list: its identity, and the facts that its kind has (null where it has none).
create view item_faces as
select
    t.id as item_id, t.kind, t.owner_id, o.name as owner, t.name, t.title, t.visibility, t.updated_at, t.deleted_at,
    coalesce(v.votes, 0) as votes, r.gated, r.sdk, r.pipeline_tag, r.downloads, r.last_modified,
    p.published_at, x.url, x.target_kind,
    n.public_id as nested_id, n.theme as nested_theme, n.description as nested_description, n.entry_count as nested_count
from items as t
left join accounts as o on t.owner_id = o.id
left join vote_counts as v on t.id = v.item_id
left join repos as r on t.id = r.item_id
left join papers as p on t.id = p.item_id
left join external_references as x on t.id = x.item_id
left join collections as n on t.id = n.id;

-- How many of a collection's entries a reader does not see.
create function unseen_entries(of_collection integer, everything boolean, accounts integer []) returns integer
language sql stable parallel safe
return (
    select count(*)::integer
    from entries as e
    inner join items as t on e.item_id = t.id
    where e.collection_id = of_collection and e.closed
    and (t.deleted_at is not null or not readable(t.visibility, t.owner_id, everything, accounts))
);

-- The entries that differ between two revisions of a collection: their key, note, score and adding revision in the older
-- one and in the newer, null where they were not there. A form that was true at both is no difference, so only the forms
-- that ended or began in between are looked at.
create function entry_differences(of_collection integer, older integer, newer integer) returns table (
    item_id integer,
    old_key bytea,
    old_note text,
    old_score real,
    old_rev integer,
    new_key bytea,
    new_note text,
    new_score real,
    new_rev integer
)
language sql stable parallel safe
begin atomic
    select
        coalesce(a.item_id, b.item_id), a.order_key, a.note, a.score, a.added_rev,
        b.order_key, b.note, b.score, b.added_rev
    from (
        select h.item_id, h.order_key, h.note, h.score, h.added_rev
        from entry_history as h
        where h.collection_id = of_collection and h.since_rev <= older and h.until_rev > older
        and h.until_rev <= newer
    ) as a
    full join (
        select e.item_id, e.order_key, e.note, e.score, e.added_rev
        from entries as e
        where e.collection_id = of_collection and e.since_rev > older and e.since_rev <= newer
        union all
        select h.item_id, h.order_key, h.note, h.score, h.added_rev
        from entry_history as h
        where h.collection_id = of_collection and h.since_rev > older and h.since_rev <= newer
        and h.until_rev > newer
    ) as b on a.item_id = b.item_id
    where (a.order_key, a.note, a.score, a.added_rev) is distinct from (b.order_key, b.note, b.score, b.added_rev);
end;

-- ---------------------------------------------------------------------------------------------------------------------
-- Entries follow their items
-- ---------------------------------------------------------------------------------------------------------------------

-- When an item closes or opens, its entries say so at once. An entry that is just being added must not be missed: whoever
-- adds holds one of these locks shared (1001 for a call, 1002 for bulk work, so that calls never queue behind a change
-- that waits for a bulk to end) from before he reads whether the item is closed. Whoever is going to close, open or give
-- away an item takes both, before any other lock.
create function hold_items_still() returns void
language plpgsql
as $$
begin
    perform pg_advisory_xact_lock(1002, 0);
    perform pg_advisory_xact_lock(1001, 0);
end;
$$;

create function entries_follow_item() returns trigger
language plpgsql
as $$
begin
    perform hold_items_still();
    update entries set closed = new.closed where item_id = new.id and closed <> new.closed;
    return null;
end;
$$;

create trigger items_closed_changes
after update of visibility, deleted_at on items
for each row
when (old.closed is distinct from new.closed)
execute function entries_follow_item();

-- Lock a collection, by its id or public id, for a change. Where the change adds items, the lock that keeps items from
-- closing comes first; each step sees what was committed while it waited.
create function hold_collection(the_id integer, the_public_id text, adding integer) returns table (
    id integer,
    kind text,
    public_id text,
    owner_id integer,
    owner text,
    visibility text,
    title text,
    name text,
    description text,
    theme text,
    tags text [],
    revision integer,
    entry_count integer,
    deleted_at timestamptz
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
        c.revision, c.entry_count, i.deleted_at
    from collections as c
    inner join items as i on c.id = i.id
    inner join accounts as o on i.owner_id = o.id
    where c.id = coalesce(the_id, (select n.id from collections as n where n.public_id = the_public_id));
end;
$$;

-- Close a change of a collection that is held: its new revision and count, and the record of who did what.
create function close_change(
    the_collection integer,
    the_revision integer,
    delta integer,
    the_verb text,
    the_actor integer,
    the_token integer,
    the_api text,
    the_request text,
    the_item integer,
    what_was jsonb,
    what_is jsonb,
    the_reason text
) returns void
language plpgsql
as $$
begin
    update collections as c
    set revision = the_revision,
        entry_count = c.entry_count + delta,
        updated_at = greatest(clock_timestamp(), c.updated_at + interval '1 microsecond')
    where c.id = the_collection;
    insert into events (
        verb, at, actor_id, token_id, api, request_id, item_id, collection_id, revision, before, after, reason
    )
    values (
        the_verb, clock_timestamp(), the_actor, the_token, the_api, the_request, the_item, the_collection,
        the_revision, what_was, what_is, the_reason
    );
end;
$$;

-- The order key behind another one, or the first there is: what `ordering.after` says.
create function next_key(last bytea) returns bytea
language sql immutable parallel safe
return substring(
    int8send(coalesce(('x' || encode(substring(last for 6), 'hex'))::bit(48)::bigint + 1, 1::bigint << 47)) from 3
);

-- Lock a collection that is to be curated; null unless it is of that kind, belongs to one of these accounts and is at that
-- revision, where one was said.
create function hold_to_curate(
    the_public_id text, the_kind text, the_owner text, expected integer, curated integer []
) returns collections
language plpgsql
as $$
declare
    held collections;
begin
    perform from collections as c where c.public_id = the_public_id for no key update;
    select c.* into held
    from collections as c
    inner join items as i on c.id = i.id
    inner join accounts as o on i.owner_id = o.id
    where c.public_id = the_public_id and c.kind = the_kind and i.deleted_at is null and i.owner_id = any(curated)
    and (the_owner is null or lower(o.name) = lower(the_owner)) and (expected is null or c.revision = expected);
    return held;
end;
$$;

-- Put one item at the end of a collection, as a whole change; returns nothing, and does nothing, unless all is in order.
create function append_entry(
    the_public_id text,
    the_kind text,
    the_owner text,
    expected integer,
    curated integer [],
    the_item integer,
    the_note text,
    the_score real,
    kinds text [],
    everything boolean,
    accounts integer [],
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
begin
    perform pg_advisory_xact_lock_shared(1001, 0);
    held := hold_to_curate(the_public_id, the_kind, the_owner, expected, curated);
    insert into entries (
        collection_id, item_id, order_key, since_rev, added_rev, added_by, added_at, closed, score, note
    )
    select
        held.id, i.id,
        next_key((
            select e.order_key from entries as e where e.collection_id = held.id order by e.order_key desc limit 1
        )),
        held.revision + 1, held.revision + 1, the_actor, clock_timestamp(), i.closed, the_score, the_note
    from items as i
    where held.id is not null and i.id = the_item and i.deleted_at is null and i.kind = any(kinds)
    and readable(i.visibility, i.owner_id, everything, accounts)
    on conflict on constraint entries_item_taken do nothing;
    if found then
        perform close_change(
            held.id, held.revision + 1, 1, 'entry.added', the_actor, the_token, the_api, the_request, null, null,
            jsonb_build_object('count', 1, 'entries', jsonb_build_array(jsonb_strip_nulls(
                jsonb_build_object('item', the_item, 'note', the_note, 'score', the_score)
            ))),
            the_reason
        );
        return query select held.id, held.revision + 1;
    end if;
end;
$$;

-- Take one entry out of a collection, as a whole change; returns nothing, and does nothing, unless all is in order.
create function take_out_entry(
    the_public_id text,
    the_kind text,
    the_owner text,
    expected integer,
    curated integer [],
    the_item integer,
    the_revision integer,
    everything boolean,
    accounts integer [],
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
    gone entries;
begin
    held := hold_to_curate(the_public_id, the_kind, the_owner, expected, curated);
    delete from entries as e
    using items as i
    where e.collection_id = held.id and e.item_id = the_item and e.added_rev = the_revision
    and i.id = e.item_id and i.deleted_at is null and readable(i.visibility, i.owner_id, everything, accounts)
    returning e.* into gone;
    if found then
        insert into entry_history (
            collection_id, item_id, order_key, since_rev, until_rev, added_rev, added_by, added_at, score, note
        )
        values (
            gone.collection_id, gone.item_id, gone.order_key, gone.since_rev, held.revision + 1, gone.added_rev,
            gone.added_by, gone.added_at, gone.score, gone.note
        );
        perform close_change(
            held.id, held.revision + 1, -1, 'entry.removed', the_actor, the_token, the_api, the_request, null,
            jsonb_build_object('count', 1, 'entries', jsonb_build_array(jsonb_strip_nulls(
                jsonb_build_object('item', the_item, 'note', gone.note, 'score', gone.score)
            ))),
            null, the_reason
        );
        return query select held.id, held.revision + 1;
    end if;
end;
$$;
