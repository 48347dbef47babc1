-- What a statement changed, as one JSON text for each row; NULL stands for the whole table.
-- How it travels is another file's business.
-- block: branch
      ELSIF TG_OP = '{{op}}' AND level <= {{level}} THEN
        items := ARRAY(
{{select}}
          LIMIT sa_notify.row_limit + 1
        );
        IF cardinality(items) > row_limit THEN
          items := NULL;
        END IF;
-- block: branch_update
      ELSIF TG_OP = 'UPDATE' AND level <= {{level}} THEN
        items := CASE WHEN EXISTS (SELECT FROM _sa_notify_old OFFSET sa_notify.row_limit) THEN NULL ELSE ARRAY(
{{select}}
        ) END;
-- block: branch_first_update
      ELSIF TG_OP = 'UPDATE' AND level <= {{level}} THEN
        -- one row that keeps its key, the usual case, is found without the start of a join (10 us)
        items := ARRAY(
{{one}}
          LIMIT 2
        );
        IF row_limit = 0 OR cardinality(items) <> 1 OR items[1] = '' THEN
          items := CASE WHEN EXISTS (SELECT FROM _sa_notify_old OFFSET sa_notify.row_limit) THEN NULL ELSE ARRAY(
{{select}}
          ) END;
        END IF;
-- block: branch_row
      ELSIF TG_LEVEL = 'ROW' AND TG_OP = '{{op}}' AND level <= {{level}} THEN
        items := ARRAY(
{{select}}
        );
-- block: old_rows
_sa_notify_old o
-- block: new_rows
_sa_notify_new n
-- block: old_row
(SELECT OLD.* OFFSET 0) o
-- block: new_row
(SELECT NEW.* OFFSET 0) n
-- block: inserted
          SELECT coalesce({{insert}}, '{"o":"b"}')
          FROM {{new}}
-- block: deleted
          SELECT coalesce({{delete}}, '{"o":"b"}')
          FROM {{old}}
-- block: updated
          SELECT CASE
            WHEN {{both}} THEN
              {{update}}
            WHEN {{only_new}} THEN {{insert}}
            WHEN {{only_old}} THEN {{delete}}
            ELSE '{"o":"b"}'
          END
          FROM {{old}} FULL JOIN {{new}}
            ON {{same_key}}
-- block: one_updated
          SELECT CASE
            WHEN {{same_key}} THEN
              {{update}}
            ELSE ''
          END
          FROM {{old}}, {{new}}
-- block: keys
          SELECT coalesce('{"o":"u","k":[' || s.k || ']}', '{"o":"b"}')
          FROM (SELECT {{old_key}} FROM {{old}} UNION SELECT {{new_key}} FROM {{new}}) AS s(k)
-- block: insert
'{"o":"i","k":[' || {{new_key}} || ']{{values}}}'
-- block: delete
'{"o":"d","k":[' || {{old_key}} || ']{{values}}}'
-- block: update
'{"o":"u","k":[' || {{new_key}} || '],"f":[' || nullif(array_to_string(ARRAY[
                {{changed}}
              ]::text[], ','), '') || ']{{values}}}'
-- block: same_key
(o.{{column}}::text COLLATE "C") = (n.{{column}}::text COLLATE "C")
-- block: changed
CASE WHEN {{differs}} THEN {{name}} END
-- block: changed_virtual
CASE WHEN o.* *<> n.* THEN {{name}} END
-- block: key_text
to_json({{row}}.{{column}}::text)::text
-- block: differs
ROW(o.{{column}})::record *<> ROW(n.{{column}})::record
-- block: pairs
,"w":{' || array_to_string(ARRAY[
                {{pairs}}
              ]::text[], ',') || '}
-- block: pair
{{name}} || ':[' || {{values}} || ']'
-- block: pair_if_it_fits
CASE WHEN {{large}} THEN NULL ELSE {{name}} || ':' || {{values}} END
-- block: fixed_pair
{{name}} || ':' || {{values}}
-- block: large
pg_column_size({{row}}.{{column}}) > 2000
-- block: one_if_unchanged
CASE WHEN {{differs}} THEN {{both}} ELSE {{once}} END
-- block: values_of_two
'[' || {{old}} || ',' || {{new}} || ']'
-- block: values_of_one
'[' || {{new}} || ']'
-- block: array_of_two
to_json(ARRAY[{{old}}, {{new}}])::text
-- block: array_of_one
to_json(ARRAY[{{new}}])::text
-- block: fixed
{{row}}.{{column}}
-- block: text
{{row}}.{{column}}::text
-- block: fixed_differs
o.{{column}} IS DISTINCT FROM n.{{column}}
-- block: text_differs
(o.{{column}}::text COLLATE "C") IS DISTINCT FROM (n.{{column}}::text COLLATE "C")
-- block: value
coalesce(CASE
  WHEN pg_typeof({{base}}) = ANY ({{plain_types}})
    THEN to_json({{row}}.{{column}})
  WHEN pg_typeof({{base}}) = 'bytea'::regtype
    THEN to_json(translate(encode(decode(substr({{row}}.{{column}}::text, 3), 'hex'), 'base64'), chr(10), ''))
  WHEN json_typeof(to_json({{row}}.{{column}})) = 'number' THEN to_json({{row}}.{{column}}::text)
  ELSE to_json({{row}}.{{column}})
END::text, 'null')
-- block: base
coalesce({{row}}.{{column}}, NULL)
-- block: plain_types
'{bool,int2,int4,float4,float8,oid,text,varchar,bpchar,uuid,date,timestamp,timestamptz}'::regtype[]
