-- name: search -> Hit
-- A page of what has every word (the last one: words that begin so) in its name, title, owner's name, description or
-- tags, as far as the reader sees it; best first. Names and titles are one index, the descriptions of collections, projects
-- and versions others, so what has its words in several places is looked for by its rarest word and then checked for all.
-- Of what a word has more than 5,000 of, the 5,000 with the shortest names and titles (or descriptions) are ranked. A
-- registry is no item; its place among them is its number below zero. A reader knows few, so each of those is looked at.
with asked as materialized (
    select
        to_tsquery('simple'::regconfig, array_to_string(cleaned.words, ' & ') || ':*') as every_word,
        cleaned.words,
        lower(trim(%(text)s::text)) as spelled
    from (
        select
            string_to_array(
                nullif(trim(regexp_replace(%(text)s::text, '[^[:alnum:]]+', ' ', 'g')), ''), ' '
            ) as words
    ) as cleaned
),

rarest as materialized (
    select word.query
    from asked
    cross join lateral (
        select
            to_tsquery(
                'simple'::regconfig, u.spelled || case when u.n = cardinality(asked.words) then ':*' else '' end
            ) as query
        from unnest(asked.words) with ordinality as u (spelled, n)
    ) as word
    cross join lateral (
        select count(*) as times
        from (
            select from items as i
            where cardinality(asked.words) > 1 and i.document @@ word.query
            limit 5001
        ) as few
    ) as titles
    cross join lateral (
        select count(*) as times
        from (
            (
                select from collections as s
                where cardinality(asked.words) > 1 and s.document @@ word.query
                limit 5001
            )
            union all
            (
                select from versions as v
                where cardinality(asked.words) > 1 and v.document @@ word.query
                limit 5001
            )
            union all
            (
                select from projects as p
                where cardinality(asked.words) > 1 and p.document @@ word.query
                limit 5001
            )
        ) as few
    ) as descriptions
    -- A word that is in no title and no description can only be an owner's or a tag's: then the others have to do.
    order by titles.times + descriptions.times = 0, titles.times + descriptions.times
    limit 1
),

candidates as (
    (
        select i.id
        from asked
        inner join items as i on i.document @@ asked.every_word
        where
            i.deleted_at is null
            and readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s)
            and (
                %(kinds)s::text [] is null
                or i.kind = any(%(kinds)s::text [])
                or (
                    i.kind = 'collection'
                    and (select k.kind from collections as k where k.id = i.id) = any(%(kinds)s::text [])
                )
            )
            and (%(owner_id)s::integer is null or i.owner_id = %(owner_id)s::integer)
        order by length(i.document), i.id desc
        limit 5000
    )
    union
    (
        select i.id
        from asked
        cross join rarest
        inner join items as i on i.document @@ rarest.query
        where
            cardinality(asked.words) > 1
            and i.deleted_at is null
            and readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s)
            and (
                %(kinds)s::text [] is null
                or i.kind = any(%(kinds)s::text [])
                or (
                    i.kind = 'collection'
                    and (select k.kind from collections as k where k.id = i.id) = any(%(kinds)s::text [])
                )
            )
            and (%(owner_id)s::integer is null or i.owner_id = %(owner_id)s::integer)
        order by length(i.document), i.id desc
        limit 5000
    )
    union
    (
        select i.id
        from rarest
        inner join collections as s on s.document @@ rarest.query
        inner join items as i on s.id = i.id
        where
            i.deleted_at is null
            and readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s)
            and (
                %(kinds)s::text [] is null
                or i.kind = any(%(kinds)s::text [])
                or (
                    i.kind = 'collection'
                    and (select k.kind from collections as k where k.id = i.id) = any(%(kinds)s::text [])
                )
            )
            and (%(owner_id)s::integer is null or i.owner_id = %(owner_id)s::integer)
        order by length(s.document), i.id desc
        limit 5000
    )
    union
    (
        select i.id
        from rarest
        inner join versions as s on s.document @@ rarest.query
        inner join items as i on s.item_id = i.id
        where
            i.deleted_at is null
            and readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s)
            and (
                %(kinds)s::text [] is null
                or i.kind = any(%(kinds)s::text [])
                or (
                    i.kind = 'collection'
                    and (select k.kind from collections as k where k.id = i.id) = any(%(kinds)s::text [])
                )
            )
            and (%(owner_id)s::integer is null or i.owner_id = %(owner_id)s::integer)
        order by length(s.document), i.id desc
        limit 5000
    )
    union
    (
        select i.id
        from rarest
        inner join projects as s on s.document @@ rarest.query
        inner join items as i on s.item_id = i.id
        where
            i.deleted_at is null
            and readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s)
            and (
                %(kinds)s::text [] is null
                or i.kind = any(%(kinds)s::text [])
                or (
                    i.kind = 'collection'
                    and (select k.kind from collections as k where k.id = i.id) = any(%(kinds)s::text [])
                )
            )
            and (%(owner_id)s::integer is null or i.owner_id = %(owner_id)s::integer)
        order by length(s.document), i.id desc
        limit 5000
    )
    union
    (
        select i.id
        from collections as s
        inner join items as i on s.id = i.id
        where
            s.tags && %(tags)s::text []
            and i.deleted_at is null
            and readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s)
            and (
                %(kinds)s::text [] is null
                or i.kind = any(%(kinds)s::text [])
                or (
                    i.kind = 'collection'
                    and (select k.kind from collections as k where k.id = i.id) = any(%(kinds)s::text [])
                )
            )
            and (%(owner_id)s::integer is null or i.owner_id = %(owner_id)s::integer)
        order by i.id desc
        limit 5000
    )
    union
    (
        select i.id
        from accounts as a
        inner join items as i on a.id = i.owner_id
        where
            lower(a.name) = any(%(owners)s::text [])
            and a.deleted_at is null
            and i.deleted_at is null
            and readable(i.visibility, i.owner_id, %(everything)s, %(accounts)s)
            and (
                %(kinds)s::text [] is null
                or i.kind = any(%(kinds)s::text [])
                or (
                    i.kind = 'collection'
                    and (select k.kind from collections as k where k.id = i.id) = any(%(kinds)s::text [])
                )
            )
            and (%(owner_id)s::integer is null or i.owner_id = %(owner_id)s::integer)
        order by i.id desc
        limit 5000
    )
),

documents as materialized (
    select
        i.id,
        (
            setweight(i.document, 'A')
            || case
                when s.id is null then ''::tsvector
                else setweight(s.document, 'B')
                    || array_to_tsvector(
                        array_remove(
                            string_to_array(translate(lower(array_to_string(s.tags, ' ')), '-_./:+#&', '        '), ' '),
                            ''
                        )
                    )
            end
            || setweight(coalesce(v.document, p.document, ''::tsvector), 'B')
            || case
                when lower(o.name) = any(%(owners)s::text [])
                    then array_to_tsvector(array_remove(string_to_array(translate(lower(o.name), '-_.', '   '), ' '), ''))
                else ''::tsvector
            end
        ) as document,
        (
            lower(i.title) = asked.spelled
            or i.name_key = asked.spelled
            or (o.name is not null and lower(o.name || '/' || i.name) = asked.spelled)
        ) as exact
    from asked
    cross join candidates as f
    inner join items as i on f.id = i.id
    left join collections as s on i.id = s.id
    left join versions as v on i.id = v.item_id
    left join projects as p on i.id = p.item_id
    left join accounts as o on i.owner_id = o.id
    union all
    select
        - a.id as id,
        (
            setweight(
                to_tsvector(
                    'simple'::regconfig, regexp_replace(a.display_name || ' ' || a.name, '[^[:alnum:]]+', ' ', 'g')
                ),
                'A'
            )
            || setweight(
                to_tsvector('simple'::regconfig, regexp_replace(g.description, '[^[:alnum:]]+', ' ', 'g')), 'B'
            )
        ) as document,
        (
            lower(a.display_name) = asked.spelled
            or lower(a.name) = asked.spelled
            or lower(o.name || '/' || a.display_name) = asked.spelled
        ) as exact
    from asked
    cross join registries as g
    inner join accounts as a on g.account_id = a.id
    inner join accounts as o on a.organization_id = o.id
    where
        a.deleted_at is null
        and readable('private', a.id, %(everything)s, %(accounts)s)
        and (%(kinds)s::text [] is null or 'registry' = any(%(kinds)s::text []))
        and (%(owner_id)s::integer is null or a.organization_id = %(owner_id)s::integer)
),

ranked as (
    select
        d.id,
        (ts_rank(d.document, asked.every_word, 1) + case when d.exact then 1 else 0 end)::double precision as rank
    from asked
    inner join documents as d on d.document @@ asked.every_word
),

page as (
    select r.id, r.rank
    from ranked as r
    where %(below)s::integer is null or (r.rank, r.id) < (%(rank)s::double precision, %(below)s::integer)
    order by r.rank desc, r.id desc
    limit %(limit)s::integer
)

select
    page.id as place,
    coalesce(i.id, a.id) as id,
    coalesce(i.kind, 'registry') as kind,
    s.kind as collection_kind,
    coalesce(i.owner_id, a.organization_id) as owner_id,
    o.name as owner,
    coalesce(i.name, a.name) as name,
    coalesce(i.title, a.display_name) as title,
    coalesce(i.visibility, 'private') as visibility,
    coalesce(s.updated_at, i.updated_at, g.updated_at) as updated_at,
    s.public_id,
    left(coalesce(s.description, r.description, p.abstract, x.url, v.description, j.description, g.description, ''), 300)
        as description,
    page.rank
from page
left join items as i on page.id = i.id
left join accounts as a on - page.id = a.id and page.id < 0
left join registries as g on a.id = g.account_id
left join accounts as o on coalesce(i.owner_id, a.organization_id) = o.id
left join collections as s on i.id = s.id
left join repos as r on i.id = r.item_id
left join papers as p on i.id = p.item_id
left join external_references as x on i.id = x.item_id
left join versions as v on i.id = v.item_id
left join projects as j on i.id = j.item_id
order by page.rank desc, page.id desc;
