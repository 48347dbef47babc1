-- Delivery "notify": changes packed into as few NOTIFY messages as 7,999 bytes each allow.
-- block: security
INVOKER
-- block: gate
-- block: last_resort
-- block: shorter
ARRAY['without values', 'by its keys only', 'as "read the table again"', 'not at all']
-- block: next_level
level + 1
-- block: last_level
3
-- block: variables
  item text;
  packed text;
  packs text[];
  head text;
  message text;
  -- when one does not suffice
  messages text[];
  room int;
  number bigint;
  too_large bool;
-- block: flood
 OR (TG_LEVEL = 'ROW'
        AND coalesce(nullif(current_setting('sa_notify.n', true), ''), '0')::bigint >= {{bulk_limit}})
-- block: prepare
      packed := coalesce(array_to_string(items, ','), '{"o":"b"}');
      IF packed = '' THEN
        RETURN NULL;
      ELSIF NOT has_function_privilege('pg_notify(text,text)'::regprocedure, 'EXECUTE') THEN
        RAISE insufficient_privilege;
      END IF;
      messages := NULL;
      head := concat('{"v":', 1, ',"x":"', pg_current_xact_id(), '","t":', to_json(relation), ',"c":[');
      IF muted OR level = 3{{flood}} THEN
        -- without a number of its own, so that PostgreSQL drops a transaction's repetitions
        message := concat(head, '{"o":"b"}]}');
      ELSE
        number := coalesce(nullif(current_setting('sa_notify.n', true), ''), '0')::bigint + 1;
        message := concat(head, packed, '],"n":', number, '}');
        IF octet_length(message) > 7999 THEN
          -- 20 for the digits of a number, 7 for what is around it
          room := 7999 - octet_length(head) - 27;
          packed := NULL;
          packs := '{}';
          too_large := false;
          FOREACH item IN ARRAY array_remove(items, NULL) LOOP
            IF octet_length(packed) + octet_length(item) < room THEN
              packed := packed || ',' || item;
            ELSE
              packs := packs || packed;
              IF octet_length(item) > room THEN
                too_large := true;
                item := (item::jsonb - 'w'::text)::text;
                IF octet_length(item) > room THEN
                  item := (item::jsonb - 'f'::text)::text;
                END IF;
                IF octet_length(item) > room THEN
                  item := '{"o":"b"}';
                END IF;
              END IF;
              packed := item;
            END IF;
          END LOOP;
          number := number - 1;
          FOREACH packed IN ARRAY array_remove(packs || packed, NULL) LOOP
            number := number + 1;
            messages := messages || concat(head, packed, '],"n":', number, '}');
          END LOOP;
          IF too_large THEN
            RAISE WARNING USING
              ERRCODE = 'program_limit_exceeded',
              MESSAGE = concat('sa_notify: a change of ', relation, ' is announced in part (SQLSTATE 54000)'),
              HINT = 'Its values or key pass 7,999 bytes: take large columns out of carry=.';
          END IF;
        END IF;
        number := set_config('sa_notify.n', number::text, true);
      END IF;
-- block: send
  -- outside of the block above, whose end (it is a subtransaction) would cost 3 us for each NOTIFY
  IF messages IS NULL THEN
    PERFORM pg_notify('sa_notify', message);
  ELSE
    FOREACH message IN ARRAY messages LOOP
      PERFORM pg_notify('sa_notify', message);
    END LOOP;
  END IF;
