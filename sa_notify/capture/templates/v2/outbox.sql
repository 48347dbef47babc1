-- Delivery "outbox": changes packed into rows of about 8,000 bytes, which the dispatcher alone reads.
-- The numbers are keys of advisory locks, see outbox/v1/create.sql.
-- block: security
DEFINER
-- block: gate

  -- obtained: no reader wants this table, and one that begins to waits for the end of this transaction
  IF pg_try_advisory_xact_lock_shared(8314047771468365824 + TG_RELID::bigint) THEN
    RETURN NULL;
  END IF;
-- block: last_resort
, 4: the same by NOTIFY
-- block: shorter
ARRAY['without values', 'by its keys only', 'as "read the table again"',
            'by NOTIFY as "read the table again"', 'not at all']
-- block: next_level
CASE WHEN packed IS NULL THEN level + 1 WHEN level < 4 THEN 4 ELSE 5 END
-- block: last_level
4
-- block: variables
  packed text;
  slot int;
  step int;
  told bool := false;
  asleep bool;
-- block: flood
      IF TG_LEVEL = 'ROW' THEN
        step := coalesce(nullif(current_setting('sa_notify.n', true), ''), '0')::int + 1;
        IF step > {{bulk_limit}} OR muted THEN
          items := NULL;
          told := strpos(current_setting('sa_notify.told', true), concat(',', TG_RELID, ',')) > 0;
          PERFORM set_config('sa_notify.told',
            concat(current_setting('sa_notify.told', true), ',', TG_RELID, ','), true) WHERE told IS NOT TRUE;
        ELSE
          PERFORM set_config('sa_notify.n', step::text, true);
        END IF;
      END IF;
-- block: prepare
{{flood}}      packed := coalesce(array_to_string(items, ','), '{"o":"b"}');
      IF packed = '' OR told THEN
        RETURN NULL;
      ELSIF level < 4 THEN
        -- the lock on what is read here keeps the outbox from being dropped before this transaction ends
        slot := coalesce(pg_sequence_last_value('sa_notify.outbox_turn'::regclass) & 3, 0);
        IF NOT has_sequence_privilege('sa_notify.outbox_seq'::regclass, 'USAGE')
          OR NOT (CASE slot
            WHEN 0 THEN has_table_privilege('sa_notify.outbox_0'::regclass, 'INSERT')
            WHEN 1 THEN has_table_privilege('sa_notify.outbox_1'::regclass, 'INSERT')
            WHEN 2 THEN has_table_privilege('sa_notify.outbox_2'::regclass, 'INSERT')
            ELSE has_table_privilege('sa_notify.outbox_3'::regclass, 'INSERT')
          END) THEN
          RAISE insufficient_privilege;
        END IF;
        IF items IS NULL THEN
          -- once in a transaction; the row itself is the memory, since a setting may be forged
          IF {{is_told}}
          END IF;
          IF told THEN
            RETURN NULL;
          END IF;
        END IF;
        asleep := NOT pg_try_advisory_xact_lock_shared(8314047775763333121);
      END IF;
-- block: slot_is_told
slot = {{slot}} THEN
            told := EXISTS (SELECT FROM sa_notify.outbox_{{slot}} b WHERE b.xid = pg_current_xact_id()
              AND b.relation = sa_notify.relation AND b.body = '{"o":"b"}');
-- block: send
  -- not in the block above: a subtransaction that writes has an xid of its own, and with more than 64 of them
  -- in a transaction all snapshots of the server become slow
  IF level = 4 THEN
    PERFORM pg_notify('sa_notify', concat(
      '{"v":', 1, ',"x":"', pg_current_xact_id(), '","t":', to_json(relation), ',"c":[{"o":"b"}]}'));
    RETURN NULL;
  ELSIF octet_length(packed) <= 8000 THEN
    IF {{insert_one}}
    END IF;
  ELSE
    items := array_remove(items, NULL);
    step := greatest(1, cardinality(items) * 7800::bigint / octet_length(packed));
    IF {{insert_packs}}
    END IF;
  END IF;
  IF asleep THEN
    PERFORM pg_notify('sa_notify', '');
  END IF;
-- block: slot_insert_one
slot = {{slot}} THEN
      INSERT INTO sa_notify.outbox_{{slot}} (depth, relation, body)
      VALUES (pg_trigger_depth(), sa_notify.relation, packed);
-- block: slot_insert_packs
slot = {{slot}} THEN
      INSERT INTO sa_notify.outbox_{{slot}} (depth, relation, body)
      SELECT pg_trigger_depth(), sa_notify.relation, string_agg(u.item, ',' ORDER BY u.n)
      FROM unnest(items) WITH ORDINALITY u(item, n) GROUP BY (u.n - 1) / step ORDER BY min(u.n);
