-- name: item_rights -> ItemRight
-- Which of some items an actor sees, and what he may do with their labels there.
select
    i.id as item_id, i.kind, m.project_id, m.dataset_id, i.owner_id, i.visibility,
    may_label(
        i.id, i.owner_id, %(labels_all)s, %(labelers)s::integer [], %(workplaces)s::integer [], %(user_id)s::integer
    ) as labels,
    sees_only_own(
        i.id, %(user_id)s::integer, readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s::integer [])
    ) as only_own
from media as m
inner join items as i on m.item_id = i.id
where m.item_id = any(%(ids)s::integer []) and i.deleted_at is null and (
    readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s::integer [])
    or (i.owner_id = any(%(at_work)s::integer []) and at_work_on(i.id, %(worker)s::integer))
)
order by m.item_id;

-- name: hiding_queues
-- The queues in which somebody reviews without being told who labels, of accounts whose work he does not manage.
select distinct q.id
from jobs as j
inner join queues as q on j.queue_id = q.id
inner join items as p on q.project_id = p.id
where (
    (j.user_id = %(user_id)s::integer and j.part <> 'annotate') or j.reviewer_id = %(user_id)s::integer
)
and q.removed_at is null and q.settings @> '{"hide_author": true}' and p.owner_id = any(%(accounts)s::integer [])
order by q.id;

-- name: hidden_items
-- Of which of some items somebody is not told who labeled: a queue gave them out, or had them done, that keeps it from him.
select distinct w.item_id
from work as w
inner join queues as q on w.queue_id = q.id
where w.item_id = any(%(ids)s::integer []) and /* part: keeps */ true;

-- name: hiding_projects
-- In which of some projects there is a queue that keeps from somebody who labels.
select distinct q.project_id
from queues as q
where q.project_id = any(%(ids)s::integer []) and /* part: keeps */ true;

-- name: hold_items
-- Keep the labels of items from being changed by others until the transaction ends.
select m.item_id
from media as m
where m.item_id = any(%(ids)s::integer [])
order by m.item_id
for no key update;

-- name: frames_of_videos
-- How many frames those of some items have that are videos of which it is known.
select m.item_id, m.frames
from media as m
inner join items as i on m.item_id = i.id
where m.item_id = any(%(ids)s::integer []) and i.kind = 'video' and m.frames is not null;

-- name: project_right -> ProjectRight
-- A project of media, if an actor reads it or has a job in it.
select
    i.id as project_id, i.owner_id, i.visibility, p.data_type,
    readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s::integer []) as reads
from items as i
inner join projects as p on i.id = p.item_id
where i.id = %(id)s::integer and i.deleted_at is null and p.data_type is not null and (
    readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s::integer [])
    or (
        i.owner_id = any(%(at_work)s::integer []) and works_in_project(i.id, %(worker)s::integer)
    )
);

-- name: dataset_right -> DatasetRight
-- A dataset of media, if an actor reads it or has a job in it; what he sees in it is looked at item by item.
select
    d.id as dataset_id, d.project_id, i.owner_id, i.visibility,
    readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s::integer []) as reads,
    exists (
        select 1
        from queues as q
        inner join jobs as j on q.id = j.queue_id
        where q.project_id = i.id and q.blind and j.user_id = %(user_id)s::integer
    ) as blind
from datasets as d
inner join items as i on d.project_id = i.id
where d.id = %(id)s::integer and d.deleted_at is null and i.deleted_at is null and (
    readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s::integer [])
    or (
        i.owner_id = any(%(at_work)s::integer []) and works_in_dataset(d.id, d.project_id, %(worker)s::integer)
    )
);

-- name: extend_leases
-- Whoever saves labels goes on working: his leases on those items begin anew. Says whether he labels one of them in a queue that
-- limits what he may draw.
select is_limited(%(ids)s::integer [], %(user_id)s::integer, %(labels_all)s, %(labelers)s::integer []) as limited
from extend_leases(%(ids)s::integer [], %(user_id)s::integer);

-- name: beyond_limits -> Beyond
-- Where somebody's work on items goes beyond what a queue (or a job without one) allows: the first that there is of each item.
select distinct on (w.item_id) w.item_id, b.what, b.most, b.found
from work as w
inner join jobs as j on w.job_id = j.id
inner join queues as q on w.queue_id = q.id
inner join items as p on q.project_id = p.id
cross join lateral (
    (
        select 1 as place, 'class' as what, 0 as most, c.name as found
        from figures as f
        inner join label_classes as c on f.class_id = c.id
        where f.item_id = w.item_id and f.created_by = j.user_id and q.settings @? '$.classes[*]'
        and not q.settings -> 'classes' @> to_jsonb(c.name)
        and not (q.settings @> '{"dynamic_classes": true}' and c.created_at > q.created_at)
        limit 1
    )
    union all
    select 2, 'figures', (q.settings ->> 'figures_limit')::integer, count(*)::text
    from figures as f
    where f.item_id = w.item_id and (not q.blind or f.created_by = j.user_id)
    having count(*) > nullif((q.settings ->> 'figures_limit')::integer, 0) and bool_or(f.created_by = j.user_id)
    union all
    select 3, 'tags', (q.settings ->> 'tags_limit')::integer, count(*)::text
    from tagged as g
    where g.item_id = w.item_id and (not q.blind or g.created_by = j.user_id)
    having count(*) > nullif((q.settings ->> 'tags_limit')::integer, 0) and bool_or(g.created_by = j.user_id)
) as b
where w.item_id = any(%(ids)s::integer []) and w.present and w.status in ('held', 'rejected')
and j.user_id = %(user_id)s::integer and j.archived_at is null and (%(job_id)s::integer is null or j.id = %(job_id)s::integer)
and not (%(labels_all)s or p.owner_id = any(%(labelers)s::integer []))
order by w.item_id, b.place;

-- name: hold_meta
-- Keep the classes and tags of a project from being changed by others until the transaction ends.
select i.id from items as i where i.id = %(project_id)s::integer and i.deleted_at is null for no key update;

-- name: classes -> LabelClass
-- The classes of a project, in the order in which they were made.
select
    c.id, c.project_id, c.name, c.shape, c.color, c.description, c.hotkey, c.geometry_config, c.settings, c.created_at,
    c.updated_at
from label_classes as c
where c.project_id = %(project_id)s::integer
order by c.id;

-- name: class_by_id -> LabelClass
-- A class by its number.
select
    c.id, c.project_id, c.name, c.shape, c.color, c.description, c.hotkey, c.geometry_config, c.settings, c.created_at,
    c.updated_at
from label_classes as c
where c.id = %(id)s::integer;

-- name: tags -> LabelTag
-- The tags of a project, in the order in which they were made.
select
    t.id, t.project_id, t.name, t.value_type, t.choices, t.color, t.hotkey, t.applies_to, t.targets, t.classes,
    t.created_at, t.updated_at
from label_tags as t
where t.project_id = %(project_id)s::integer
order by t.id;

-- name: tag_by_id -> LabelTag
-- A tag by its number.
select
    t.id, t.project_id, t.name, t.value_type, t.choices, t.color, t.hotkey, t.applies_to, t.targets, t.classes,
    t.created_at, t.updated_at
from label_tags as t
where t.id = %(id)s::integer;

-- name: insert_classes -> LabelClass
-- New classes of a project, in their order.
insert into label_classes as c (project_id, name, shape, color, description, hotkey, geometry_config, settings)
select
    %(project_id)s::integer, n.name, n.shape, n.color, n.description, n.hotkey, n.geometry_config, n.settings
from jsonb_to_recordset(%(rows)s::jsonb) as n (
    name text, shape text, color text, description text, hotkey text, geometry_config jsonb, settings jsonb
)
returning
    c.id, c.project_id, c.name, c.shape, c.color, c.description, c.hotkey, c.geometry_config, c.settings, c.created_at,
    c.updated_at;

-- name: insert_tags -> LabelTag
-- New tags of a project, in their order.
insert into label_tags as t (project_id, name, value_type, choices, color, hotkey, applies_to, targets, classes)
select
    %(project_id)s::integer, n.name, n.value_type, n.choices, n.color, n.hotkey, n.applies_to, n.targets,
    array(select jsonb_array_elements_text(n.classes))
from jsonb_to_recordset(%(rows)s::jsonb) as n (
    name text, value_type text, choices jsonb, color text, hotkey text, applies_to text, targets text, classes jsonb
)
returning
    t.id, t.project_id, t.name, t.value_type, t.choices, t.color, t.hotkey, t.applies_to, t.targets, t.classes,
    t.created_at, t.updated_at;

-- name: set_aside_class_names
-- Names that nobody else has, for classes that are about to change theirs: two of them may change places.
update label_classes set name = chr(31) || id where id = any(%(ids)s::integer []);

-- name: set_aside_tag_names
-- Names that nobody else has, for tags that are about to change theirs: two of them may change places.
update label_tags set name = chr(31) || id where id = any(%(ids)s::integer []);

-- name: update_classes
-- New values for classes, by their numbers.
update label_classes as c
set
    name = n.name, shape = n.shape, color = n.color, description = n.description, hotkey = n.hotkey,
    geometry_config = n.geometry_config, settings = n.settings, updated_at = now()
from jsonb_to_recordset(%(rows)s::jsonb) as n (
    id integer, name text, shape text, color text, description text, hotkey text, geometry_config jsonb, settings jsonb
)
where c.id = n.id and c.project_id = %(project_id)s::integer;

-- name: update_tags
-- New values for tags, by their numbers.
update label_tags as t
set
    name = n.name, value_type = n.value_type, choices = n.choices, color = n.color, hotkey = n.hotkey,
    applies_to = n.applies_to, targets = n.targets, classes = array(select jsonb_array_elements_text(n.classes)),
    updated_at = now()
from jsonb_to_recordset(%(rows)s::jsonb) as n (
    id integer, name text, value_type text, choices jsonb, color text, hotkey text, applies_to text, targets text,
    classes jsonb
)
where t.id = n.id and t.project_id = %(project_id)s::integer;

-- name: misshapen
-- The first of some classes whose new shape its figures don't have: its number and what they are.
select n.id, f.geometry_type
from unnest(%(ids)s::integer [], %(shapes)s::text []) as n (id, shape)
cross join lateral (
    select x.geometry_type from figures as x
    where x.class_id = n.id and n.shape <> 'any' and x.geometry_type <> n.shape
    limit 1
) as f
limit 1;

-- name: unfitting
-- The first of some tags whose new type or choices a value that was given does not fit: its number and the value.
select n.id, v.value
from jsonb_to_recordset(%(rows)s::jsonb) as n (id integer, value_type text, choices jsonb)
cross join lateral (
    select x.value from tagged as x
    where x.tag_id = n.id and not tag_value_fits(n.value_type, n.choices, x.value)
    limit 1
) as v
limit 1;

-- name: hold_classes
-- Keep anybody from labeling with some classes until the transaction ends.
select c.id from label_classes as c where c.id = any(%(ids)s::integer []) order by c.id for update;

-- name: hold_objects
-- Keep anybody from adding sights of some objects until the transaction ends.
select o.id from label_objects as o where o.id = any(%(ids)s::integer []) order by o.id for update;

-- name: hold_items_of_classes
-- Keep the labels of all items with figures of some classes from being changed by others until the transaction ends.
select m.item_id
from media as m
where m.item_id in (select f.item_id from figures as f where f.class_id = any(%(ids)s::integer []))
order by m.item_id
for no key update;

-- name: remove_figures_of_classes
-- Remove all figures of some classes, and those of their objects, with the record of what they were; says how many.
select remove_figures(
    array(
        select f.id from figures as f where f.class_id = any(%(ids)s::integer [])
        union
        select f.id
        from label_objects as o
        inner join figures as f on o.id = f.object_id
        where o.class_id = any(%(ids)s::integer [])
    ),
    %(user_id)s::integer
);

-- name: delete_classes
-- Remove classes that have no figures any more; returns their names.
delete from label_classes as c
where c.project_id = %(project_id)s::integer and c.id = any(%(ids)s::integer [])
returning c.name;

-- name: rename_class_in_tags
-- The tags that are only for a class go on being for it under its new name.
update label_tags as t
set classes = array_replace(t.classes, %(name)s::text, %(new_name)s::text), updated_at = now()
where t.project_id = %(project_id)s::integer and %(name)s::text = any(t.classes);

-- name: drop_class_from_tags
-- The tags that were only for some classes, among others, are no longer for those.
update label_tags as t
set
    classes = array(
        select c.name from unnest(t.classes) with ordinality as c (name, n)
        where not c.name = any(%(names)s::text []) order by c.n
    ),
    updated_at = now()
where t.project_id = %(project_id)s::integer and t.classes && %(names)s::text [];

-- name: delete_tags
-- Remove tags, from all that has them too; returns their names.
delete from label_tags as t
where t.project_id = %(project_id)s::integer and t.id = any(%(ids)s::integer [])
returning t.name;

-- name: put_annotations
-- Replace the labels and tags of items by those of annotations; says of each what was wrong, or which figures it has now. Unless
-- it is `watched` what comes of it, nothing is done where a queue limits what its labeler may draw.
select
    a.item_id, case when l.limited then 'limited' else p.problem end as problem, p.place, p.said, p.figure_ids
from unnest(%(items)s::integer [], %(annotations)s::jsonb []) with ordinality as a (item_id, annotation, n)
cross join lateral (
    select not %(watched)s and is_limited(
        array[a.item_id], %(user_id)s::integer, %(everything)s, %(labelers)s::integer []
    ) as limited
    offset 0
) as l
cross join lateral put_annotation(
    case when not l.limited then a.item_id end, a.annotation, %(user_id)s::integer, %(everything)s,
    %(accounts)s::integer [], %(labelers)s::integer [], %(workplaces)s::integer []
) as p
order by a.n;

-- name: put_one_annotation
-- The same for one item.
select
    %(item)s::integer as item_id, case when l.limited then 'limited' else p.problem end as problem, p.place, p.said,
    p.figure_ids
from (
    select is_limited(
        array[%(item)s::integer], %(user_id)s::integer, %(everything)s, %(labelers)s::integer []
    ) as limited
    offset 0
) as l
cross join lateral put_annotation(
    case when not l.limited then %(item)s::integer end, %(annotation)s::jsonb, %(user_id)s::integer, %(everything)s,
    %(accounts)s::integer [], %(labelers)s::integer [], %(workplaces)s::integer []
) as p;

-- name: annotations -> Annotation
-- What there is to say of items beside their labels, of those that an actor sees; and whether there are labels to read.
select
    i.id as item_id, i.kind, i.name, m.project_id, m.dataset_id, m.width, m.height, m.frames, m.description, m.meta,
    m.custom_data, i.created_at, greatest(i.updated_at, m.labeled_at) as updated_at, m.label_count,
    exists (select from tagged as t where t.item_id = i.id) as is_tagged,
    sees_only_own(
        i.id, %(user_id)s::integer, readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s::integer [])
    ) as only_own
from media as m
inner join items as i on m.item_id = i.id
where m.item_id = any(%(ids)s::integer []) and i.deleted_at is null and (
    readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s::integer [])
    or (i.owner_id = any(%(at_work)s::integer []) and at_work_on(i.id, %(worker)s::integer))
);

-- name: items_in_dataset
-- A page of the items of a dataset that an actor sees.
select m.item_id
from media as m
inner join items as i on m.item_id = i.id
where m.dataset_id = %(dataset_id)s::integer and m.item_id > %(after)s::integer and i.deleted_at is null
and (%(reads)s or at_work_on(m.item_id, %(worker)s::integer))
order by m.item_id
limit %(limit)s::integer offset %(offset)s::integer;

-- name: count_items_in_dataset
-- How many items of a dataset an actor sees.
select count(*)
from media as m
inner join items as i on m.item_id = i.id
where m.dataset_id = %(dataset_id)s::integer and i.deleted_at is null
and (%(reads)s or at_work_on(m.item_id, %(worker)s::integer));

-- name: whole_annotation
-- The same of one item, with its figures: what is said of the item, and whether any figure has tags, stands beside the first.
with item as materialized (
    select
        1::bigint as place, i.id as item_id, i.kind, i.name, m.project_id, m.dataset_id, m.width, m.height, m.frames,
        m.description, m.meta, m.custom_data, i.created_at, greatest(i.updated_at, m.labeled_at) as updated_at,
        m.label_count, exists (select from tagged as t where t.item_id = i.id) as is_tagged,
        sees_only_own(
            i.id, %(user_id)s::integer, readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s::integer [])
        ) as only_own,
        exists (
            select from figures as f inner join tagged as t on f.id = t.figure_id where f.item_id = i.id
        ) as has_tagged
    from media as m
    inner join items as i on m.item_id = i.id
    where m.item_id = %(item)s::integer and i.deleted_at is null and (
        readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s::integer [])
        or (i.owner_id = any(%(at_work)s::integer []) and at_work_on(i.id, %(worker)s::integer))
    )
),
figured as (
    select
        row_number() over (order by f.id) as place, f.id, f.item_id, n.project_id, n.dataset_id, f.class_id,
        c.name as class_name, f.object_id, f.geometry_type, f.geometry, f.geometry_file, f.frame, f.meta, f.description,
        f.extras, f.track_id, f.priority, f.nn_created, f.nn_updated, f.created_by, a.name as labeler, f.created_at,
        f.updated_at
    from item as n
    inner join figures as f on n.item_id = f.item_id
    inner join label_classes as c on f.class_id = c.id
    left join accounts as a on f.created_by = a.id and a.deleted_at is null
    where not n.only_own or f.created_by = %(user_id)s::integer
)
select
    n.item_id, n.kind, n.name, n.project_id, n.dataset_id, n.width, n.height, n.frames, n.description, n.meta,
    n.custom_data, n.created_at, n.updated_at, n.label_count, n.is_tagged, n.only_own, n.has_tagged,
    f.id, f.item_id, f.project_id, f.dataset_id, f.class_id, f.class_name, f.object_id, f.geometry_type, f.geometry,
    f.geometry_file, f.frame, f.meta, f.description, f.extras, f.track_id, f.priority, f.nn_created, f.nn_updated,
    f.created_by, f.labeler, f.created_at, f.updated_at
from item as n
full join figured as f on n.place = f.place
order by f.id;

-- name: figures_of_items -> Figure
-- The figures of items; of those where a reader sees only his own, only his.
select
    f.id, f.item_id, m.project_id, m.dataset_id, f.class_id, c.name as class_name, f.object_id, f.geometry_type,
    f.geometry, f.geometry_file, f.frame, f.meta, f.description, f.extras, f.track_id, f.priority, f.nn_created,
    f.nn_updated, f.created_by, a.name as labeler, f.created_at, f.updated_at
from figures as f
inner join media as m on f.item_id = m.item_id
inner join label_classes as c on f.class_id = c.id
left join accounts as a on f.created_by = a.id and a.deleted_at is null
where f.item_id = any(%(ids)s::integer [])
and (not f.item_id = any(%(only_own)s::integer []) or f.created_by = %(user_id)s::integer)
and (f.item_id, f.id) > (%(after_item)s::integer, %(after)s::integer)
order by f.item_id, f.id
limit %(limit)s::integer offset %(offset)s::integer;

-- name: count_figures_of_items
-- How many figures items have; of those where a reader sees only his own, only his.
select count(*)
from figures as f
where f.item_id = any(%(ids)s::integer [])
and (not f.item_id = any(%(only_own)s::integer []) or f.created_by = %(user_id)s::integer);

-- name: figures_in_dataset -> Figure
-- A page of the figures in a dataset, item by item, of those items that an actor sees.
select
    f.id, f.item_id, m.project_id, m.dataset_id, f.class_id, c.name as class_name, f.object_id, f.geometry_type,
    f.geometry, f.geometry_file, f.frame, f.meta, f.description, f.extras, f.track_id, f.priority, f.nn_created,
    f.nn_updated, f.created_by, a.name as labeler, f.created_at, f.updated_at
from media as m
inner join items as i on m.item_id = i.id
inner join figures as f on m.item_id = f.item_id
inner join label_classes as c on f.class_id = c.id
left join accounts as a on f.created_by = a.id and a.deleted_at is null
where m.dataset_id = %(dataset_id)s::integer and m.item_id >= %(after_item)s::integer and i.deleted_at is null
and (m.item_id, f.id) > (%(after_item)s::integer, %(after)s::integer)
and (%(reads)s or at_work_on(m.item_id, %(worker)s::integer))
and (
    not %(blind)s or f.created_by = %(user_id)s::integer
    or not sees_only_own(m.item_id, %(user_id)s::integer, %(reads)s)
)
order by m.item_id, f.id
limit %(limit)s::integer offset %(offset)s::integer;

-- name: sum_figures_in_dataset
-- How many figures there are in a dataset, for who sees all.
select coalesce(sum(m.label_count), 0)
from media as m
inner join items as i on m.item_id = i.id
where m.dataset_id = %(dataset_id)s::integer and i.deleted_at is null;

-- name: count_figures_in_dataset
-- How many figures there are in a dataset, of those items that an actor sees.
select count(*)
from media as m
inner join items as i on m.item_id = i.id
inner join figures as f on m.item_id = f.item_id
where m.dataset_id = %(dataset_id)s::integer and i.deleted_at is null
and (%(reads)s or at_work_on(m.item_id, %(worker)s::integer))
and (
    not %(blind)s or f.created_by = %(user_id)s::integer
    or not sees_only_own(m.item_id, %(user_id)s::integer, %(reads)s)
);

-- name: figures_by_id -> Figure
-- Figures by their numbers.
select
    f.id, f.item_id, m.project_id, m.dataset_id, f.class_id, c.name as class_name, f.object_id, f.geometry_type,
    f.geometry, f.geometry_file, f.frame, f.meta, f.description, f.extras, f.track_id, f.priority, f.nn_created,
    f.nn_updated, f.created_by, a.name as labeler, f.created_at, f.updated_at
from figures as f
inner join media as m on f.item_id = m.item_id
inner join label_classes as c on f.class_id = c.id
left join accounts as a on f.created_by = a.id and a.deleted_at is null
where f.id = any(%(ids)s::integer [])
order by f.id;

-- name: places_of_figures
-- On which items figures are, and who made them.
select f.id, f.item_id, f.created_by from figures as f where f.id = any(%(ids)s::integer []) order by f.id;

-- name: places_of_removed_figures
-- On which items figures were that are gone, and who had made them.
select distinct on (h.figure_id) h.figure_id, h.item_id, h.created_by
from figure_history as h
where h.figure_id = any(%(ids)s::integer []) and h.removed
and not exists (select from figures as f where f.id = h.figure_id)
order by h.figure_id, h.until desc;

-- name: tags_of_items -> Tagging
-- The tags on items; where a reader sees only his own labels, only his.
select
    t.id, t.tag_id, g.name, t.value, t.item_id, t.object_id, t.figure_id, t.frame_from, t.frame_to, t.extras,
    t.created_by, a.name as labeler, t.created_at, t.updated_at
from tagged as t
inner join label_tags as g on t.tag_id = g.id
left join accounts as a on t.created_by = a.id and a.deleted_at is null
where t.item_id = any(%(ids)s::integer [])
and (not t.item_id = any(%(only_own)s::integer []) or t.created_by = %(user_id)s::integer)
order by t.id;

-- name: tags_of_figures -> Tagging
-- The tags on figures.
select
    t.id, t.tag_id, g.name, t.value, t.item_id, t.object_id, t.figure_id, t.frame_from, t.frame_to, t.extras,
    t.created_by, a.name as labeler, t.created_at, t.updated_at
from tagged as t
inner join label_tags as g on t.tag_id = g.id
left join accounts as a on t.created_by = a.id and a.deleted_at is null
where t.figure_id = any(%(ids)s::integer [])
order by t.id;

-- name: tags_of_objects -> Tagging
-- The tags on objects.
select
    t.id, t.tag_id, g.name, t.value, t.item_id, t.object_id, t.figure_id, t.frame_from, t.frame_to, t.extras,
    t.created_by, a.name as labeler, t.created_at, t.updated_at
from tagged as t
inner join label_tags as g on t.tag_id = g.id
left join accounts as a on t.created_by = a.id and a.deleted_at is null
where t.object_id = any(%(ids)s::integer [])
order by t.id;

-- name: taggings_by_id -> Tagging
-- Tags that were put on something, by the numbers of that.
select
    t.id, t.tag_id, g.name, t.value, t.item_id, t.object_id, t.figure_id, t.frame_from, t.frame_to, t.extras,
    t.created_by, a.name as labeler, t.created_at, t.updated_at
from tagged as t
inner join label_tags as g on t.tag_id = g.id
left join accounts as a on t.created_by = a.id and a.deleted_at is null
where t.id = any(%(ids)s::integer [])
order by t.id;

-- name: resolve_labels
-- The classes and tags that labels of one project name, or what is wrong first.
select r.problem, r.place, r.said, r.class_ids, r.tag_ids
from resolve_labels(%(project_id)s::integer, %(labels)s::jsonb, %(tags)s::jsonb) as r;

-- name: add_labels
-- New figures with their tags; returns their numbers, in the order of the labels.
select add_labels(
    %(labels)s::jsonb, %(tags)s::jsonb, %(class_ids)s::integer [], %(tag_ids)s::integer [], %(user_id)s::integer
);

-- name: remove_figures
-- Remove figures, with the record of what they were; says how many there were.
select remove_figures(%(ids)s::integer [], %(user_id)s::integer);

-- name: remember_figures
-- Write down what figures are, before they change.
select remember_figures(%(ids)s::integer [], %(user_id)s::integer, false);

-- name: change_figure
-- New values for a figure; null stays as it is. A new geometry takes the place of one in a file.
update figures as f
set
    class_id = coalesce(%(class_id)s::integer, f.class_id),
    geometry_type = coalesce(%(geometry_type)s::text, f.geometry_type),
    geometry = coalesce(%(geometry)s::jsonb, f.geometry),
    geometry_file = case when %(geometry)s::jsonb is null then f.geometry_file end,
    frame = coalesce(%(frame)s::integer, f.frame),
    meta = coalesce(%(meta)s::jsonb, f.meta),
    description = coalesce(%(description)s::text, f.description),
    extras = coalesce(%(extras)s::jsonb, f.extras),
    track_id = coalesce(%(track_id)s::text, f.track_id),
    priority = coalesce(%(priority)s::integer, f.priority),
    nn_created = coalesce(%(nn_created)s::boolean, f.nn_created),
    nn_updated = coalesce(%(nn_updated)s::boolean, f.nn_updated),
    updated_by = %(user_id)s::integer,
    updated_at = clock_timestamp()
where f.id = %(id)s::integer;

-- name: retag_figure
-- Other tags for a figure, which were found.
with gone as (
    delete from tagged as t where t.figure_id = %(id)s::integer
)

insert into tagged (tag_id, figure_id, value, frame_from, frame_to, extras, created_by)
select
    (%(tag_ids)s::integer [])[t.k + 1], %(id)s::integer, t.value, t.frame_from, t.frame_to, coalesce(t.extras, '{}'),
    %(user_id)s::integer
from jsonb_to_recordset(%(tags)s::jsonb) as t (k integer, value jsonb, frame_from integer, frame_to integer, extras jsonb)
order by t.k;

-- name: mark_labeled
-- When the labels of items changed last: now.
update media as m set labeled_at = clock_timestamp() where m.item_id = any(%(ids)s::integer []);

-- name: restore_figures
-- Bring figures back as they were when they were removed, as far as their class and object are still there, with those of
-- their tags that are; returns the numbers of those that came back.
with last as (
    select distinct on (h.figure_id) h.*
    from figure_history as h
    where h.figure_id = any(%(ids)s::integer []) and h.removed
    and not exists (select from figures as f where f.id = h.figure_id)
    order by h.figure_id, h.until desc
), back as (
    insert into figures as f (
        id, item_id, class_id, object_id, geometry_type, geometry, geometry_file, frame, meta, description, extras,
        track_id, priority, nn_created, nn_updated, created_by, created_at, updated_by
    )
    overriding system value
    select
        l.figure_id, l.item_id, l.class_id, l.object_id, l.geometry_type, l.geometry, l.geometry_file, l.frame, l.meta,
        l.description, l.extras, l.track_id, l.priority, l.nn_created, l.nn_updated, l.created_by, l.created_at,
        %(user_id)s::integer
    from last as l
    inner join label_classes as c on l.class_id = c.id
    where l.object_id is null or exists (select from label_objects as o where o.id = l.object_id)
    returning f.id, f.item_id
), tagged_again as (
    insert into tagged (tag_id, figure_id, value, frame_from, frame_to, extras, created_by)
    select t.tag_id, b.id, nullif(t.value, 'null'), t."from", t."to", coalesce(t.extras, '{}'), t.created_by
    from back as b
    inner join last as l on b.id = l.figure_id
    cross join lateral rows from (
        jsonb_to_recordset(l.tags) as (
            tag_id integer, value jsonb, "from" integer, "to" integer, extras jsonb, created_by integer
        )
    ) with ordinality as t (tag_id, value, "from", "to", extras, created_by, place)
    inner join label_tags as g on t.tag_id = g.id
    order by b.id, t.place
), counted as (
    update media as m set label_count = m.label_count + n.labels, labeled_at = clock_timestamp()
    from (select b.item_id, count(*)::integer as labels from back as b group by b.item_id) as n
    where m.item_id = n.item_id
)

select b.id from back as b order by b.id;

-- name: known_files
-- Which of some files are known in an account; they are kept from being purged until the transaction ends.
select f.sha256
from media_files as f
where f.account_id = %(account_id)s::integer and f.sha256 = any(%(hashes)s::bytea [])
for key share;

-- name: attach_files
-- Geometries that are files of their own, for figures.
update figures as f
set
    geometry_file = n.sha256, geometry = null, updated_by = %(user_id)s::integer, updated_at = clock_timestamp()
from unnest(%(ids)s::integer [], %(hashes)s::bytea []) as n (id, sha256)
where f.id = n.id;

-- name: date_figures
-- Figures that say when others were made and last changed.
update figures as f
set created_at = n.created_at, updated_at = n.updated_at
from
    unnest(%(ids)s::integer [], %(created)s::timestamptz [], %(updated)s::timestamptz []) as n (id, created_at, updated_at)
where f.id = n.id;

-- name: geometry_files -> GeometryFile
-- Where the geometries of figures are.
select
    f.id as figure_id, f.item_id, i.owner_id as account_id, f.geometry_file as sha256, f.geometry, f.geometry_type
from figures as f
inner join items as i on f.item_id = i.id
where f.id = any(%(ids)s::integer []);

-- name: figure_history -> FigureVersion
-- What a figure was, newest first.
select
    h.figure_id, h.item_id, h.class_id, h.object_id, h.geometry_type, h.geometry, h.geometry_file, h.frame, h.meta,
    h.description, h.extras, h.tags, h.created_by, h.since, h.until, h.changed_by, a.name as changed_by_name, h.removed
from figure_history as h
left join accounts as a on h.changed_by = a.id and a.deleted_at is null
where h.figure_id = %(id)s::integer and h.until < coalesce(%(before)s::timestamptz, 'infinity')
order by h.until desc
limit %(limit)s::integer;

-- name: place_in_history
-- On which item a figure was, by its history, and who had made it.
select h.item_id, h.created_by from figure_history as h
where h.figure_id = %(id)s::integer
order by h.until desc
limit 1;

-- name: add_objects
-- New objects of a dataset, whose classes were found, with their tags; returns their numbers, in their order.
with wanted as materialized (
    select nextval('label_objects_id_seq')::integer as id, n.*
    from jsonb_to_recordset(%(objects)s::jsonb) as n (n integer, item_id integer, description text, meta jsonb)
), made as (
    insert into label_objects (id, project_id, dataset_id, item_id, class_id, description, meta, created_by)
    overriding system value
    select
        w.id, %(project_id)s::integer, %(dataset_id)s::integer, w.item_id, (%(class_ids)s::integer [])[w.n + 1],
        coalesce(w.description, ''), coalesce(w.meta, '{}'), %(user_id)s::integer
    from wanted as w
), put as (
    insert into tagged (tag_id, object_id, value, frame_from, frame_to, extras, created_by)
    select
        (%(tag_ids)s::integer [])[t.k + 1], w.id, t.value, t.frame_from, t.frame_to, coalesce(t.extras, '{}'),
        %(user_id)s::integer
    from jsonb_to_recordset(%(tags)s::jsonb) as t (
        k integer, l integer, value jsonb, frame_from integer, frame_to integer, extras jsonb
    )
    inner join wanted as w on t.l = w.n
    order by t.k
)

select w.id from wanted as w order by w.n;

-- name: objects_of_items -> LabelObject
-- The objects of items.
select
    o.id, o.project_id, o.dataset_id, o.item_id, o.class_id, c.name as class_name, o.description, o.meta, o.created_by,
    a.name as labeler, o.created_at, o.updated_at
from label_objects as o
inner join label_classes as c on o.class_id = c.id
left join accounts as a on o.created_by = a.id and a.deleted_at is null
where o.item_id = any(%(ids)s::integer [])
and (not o.item_id = any(%(only_own)s::integer []) or o.created_by = %(user_id)s::integer)
and o.id > %(after)s::integer
order by o.id
limit %(limit)s::integer offset %(offset)s::integer;

-- name: objects_in_dataset -> LabelObject
-- A page of the objects of a dataset; for who sees only some of its items, those of them and those of no item.
select
    o.id, o.project_id, o.dataset_id, o.item_id, o.class_id, c.name as class_name, o.description, o.meta, o.created_by,
    a.name as labeler, o.created_at, o.updated_at
from label_objects as o
inner join label_classes as c on o.class_id = c.id
left join items as i on o.item_id = i.id
left join accounts as a on o.created_by = a.id and a.deleted_at is null
where o.dataset_id = %(dataset_id)s::integer and o.id > %(after)s::integer and i.deleted_at is null
and (%(reads)s or o.item_id is null or at_work_on(o.item_id, %(worker)s::integer))
and (
    not %(blind)s or o.created_by = %(user_id)s::integer
    or (o.item_id is not null and not sees_only_own(o.item_id, %(user_id)s::integer, %(reads)s))
)
order by o.id
limit %(limit)s::integer offset %(offset)s::integer;

-- name: count_objects_of_items
-- How many objects items have; of those where a reader sees only his own, only his.
select count(*)
from label_objects as o
where o.item_id = any(%(ids)s::integer [])
and (not o.item_id = any(%(only_own)s::integer []) or o.created_by = %(user_id)s::integer);

-- name: count_objects_in_dataset
-- How many objects there are in a dataset; for who sees only some of its items, of them and of no item.
select count(*)
from label_objects as o
left join items as i on o.item_id = i.id
where o.dataset_id = %(dataset_id)s::integer and i.deleted_at is null
and (%(reads)s or o.item_id is null or at_work_on(o.item_id, %(worker)s::integer))
and (
    not %(blind)s or o.created_by = %(user_id)s::integer
    or (o.item_id is not null and not sees_only_own(o.item_id, %(user_id)s::integer, %(reads)s))
);

-- name: objects_by_id -> LabelObject
-- Objects by their numbers.
select
    o.id, o.project_id, o.dataset_id, o.item_id, o.class_id, c.name as class_name, o.description, o.meta, o.created_by,
    a.name as labeler, o.created_at, o.updated_at
from label_objects as o
inner join label_classes as c on o.class_id = c.id
left join accounts as a on o.created_by = a.id and a.deleted_at is null
where o.id = any(%(ids)s::integer [])
order by o.id;

-- name: loose_objects -> LabelObject
-- The objects of datasets that belong to no item, as far as no figure shows them.
select
    o.id, o.project_id, o.dataset_id, o.item_id, o.class_id, c.name as class_name, o.description, o.meta, o.created_by,
    a.name as labeler, o.created_at, o.updated_at
from label_objects as o
inner join label_classes as c on o.class_id = c.id
left join accounts as a on o.created_by = a.id and a.deleted_at is null
where o.dataset_id = any(%(datasets)s::integer []) and o.item_id is null
and not exists (select from figures as f where f.object_id = o.id)
order by o.id;

-- name: figures_of_objects
-- The figures of objects, and on which items they are.
select f.id, f.item_id from figures as f where f.object_id = any(%(ids)s::integer []) order by f.id;

-- name: delete_objects
-- Remove objects, whose figures were removed.
delete from label_objects as o where o.id = any(%(ids)s::integer []);

-- name: add_taggings
-- Put tags on things; one that stands there with the same value and frames already stays. Returns the numbers, in order.
with wanted as (
    select
        n.k, (%(tag_ids)s::integer [])[n.k + 1] as tag_id, n.item_id, n.object_id, n.figure_id, n.value, n.frame_from,
        n.frame_to, coalesce(n.extras, '{}') as extras,
        min(n.k) over (
            partition by
                (%(tag_ids)s::integer [])[n.k + 1], n.item_id, n.object_id, n.figure_id, n.value, n.frame_from, n.frame_to
        ) as first_k
    from jsonb_to_recordset(%(tags)s::jsonb) as n (
        k integer, item_id integer, object_id integer, figure_id integer, value jsonb, frame_from integer,
        frame_to integer, extras jsonb
    )
), there as (
    select w.k, coalesce(
        (
            select min(t.id) from tagged as t
            where t.item_id = w.item_id and t.tag_id = w.tag_id
            and (t.value, t.frame_from, t.frame_to) is not distinct from (w.value, w.frame_from, w.frame_to)
        ),
        (
            select min(t.id) from tagged as t
            where t.object_id = w.object_id and t.tag_id = w.tag_id
            and (t.value, t.frame_from, t.frame_to) is not distinct from (w.value, w.frame_from, w.frame_to)
        ),
        (
            select min(t.id) from tagged as t
            where t.figure_id = w.figure_id and t.tag_id = w.tag_id
            and (t.value, t.frame_from, t.frame_to) is not distinct from (w.value, w.frame_from, w.frame_to)
        )
    ) as id
    from wanted as w
    where w.k = w.first_k
), numbered as materialized (
    select h.k, coalesce(h.id, nextval('tagged_id_seq')::integer) as id, h.id is null as new from there as h
), made as (
    insert into tagged (id, tag_id, item_id, object_id, figure_id, value, frame_from, frame_to, extras, created_by)
    overriding system value
    select
        n.id, w.tag_id, w.item_id, w.object_id, w.figure_id, w.value, w.frame_from, w.frame_to, w.extras,
        %(user_id)s::integer
    from numbered as n
    inner join wanted as w on n.k = w.k
    where n.new
)

select n.id, n.new
from wanted as w
inner join numbered as n on w.first_k = n.k
order by w.k;

-- name: places_of_taggings
-- What tags stand on, and on which item and in which dataset that is.
select
    t.id, coalesce(t.item_id, f.item_id, o.item_id) as item_id, o.dataset_id, t.figure_id, t.created_by
from tagged as t
left join figures as f on t.figure_id = f.id
left join label_objects as o on t.object_id = o.id
where t.id = any(%(ids)s::integer [])
order by t.id;

-- name: taggings_on_items
-- Which tags of some kinds stand on some items, and on which.
select t.id, t.item_id, t.created_by
from tagged as t
where t.tag_id = any(%(tag_ids)s::integer []) and t.item_id = any(%(items)s::integer [])
order by t.id;

-- name: change_tagging
-- Another value or other frames for a tag on something.
update tagged as t
set
    value = %(value)s::jsonb, frame_from = %(frame_from)s::integer, frame_to = %(frame_to)s::integer, updated_at = now()
where t.id = %(id)s::integer;

-- name: delete_taggings
-- Take tags away from what they stand on.
delete from tagged as t where t.id = any(%(ids)s::integer []);
