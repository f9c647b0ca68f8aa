-- name: data_type
-- The type of the data in a selection.
select s.data_type from selections as s where s.collection_id = %(id)s::integer;

-- name: settle
-- A live collection was changed by hand in the ways meant for it: the next refresh has nothing to take over from that.
update live_collections as l
set revision = c.revision
from collections as c
where l.collection_id = %(id)s::integer and c.id = l.collection_id;
