-- As in version 1, but serializable transactions tell a whole table once for each statement, and rows that
-- nothing captured changed in make no empty part of a long statement's changes.
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
        IF items IS NULL AND current_setting('transaction_isolation') <> 'serializable' THEN
          -- once in a transaction; the row itself is the memory, since a setting may be forged. Not where
          -- having looked for it counts as a read: serializable writers would fail for each other's rows.
          IF {{is_told}}
          END IF;
          IF told THEN
            RETURN NULL;
          END IF;
        END IF;
        asleep := NOT pg_try_advisory_xact_lock_shared(8314047775763333121);
      END IF;
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
