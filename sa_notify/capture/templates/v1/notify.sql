-- Delivery "notify": changes packed into as few NOTIFY messages as 7,999 bytes each allow.
-- block: variables
  item text;
  packed text;
  messages text[];
  head text;
  about text;
  room int;
  number bigint;
  too_large bool;
-- block: flood
 OR (TG_LEVEL = 'ROW'
        AND coalesce(nullif(current_setting('sa_notify.n', true), ''), '0')::bigint >= {{bulk_limit}})
-- block: deliver
      head := concat('{"v":', 1, ',"x":"', pg_current_xact_id(), '"');
      about := concat(',"t":', to_json(relation), ',"c":[');
      -- 5 for the number's name, 20 for its digits, 2 for what closes
      room := 7999 - octet_length(head) - octet_length(about) - 27;
      messages := '{}';
      packed := NULL;
      too_large := false;
      FOREACH item IN ARRAY items LOOP
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
        IF packed IS NULL THEN
          packed := item;
        ELSIF octet_length(packed) + octet_length(item) + 1 > room THEN
          messages := messages || packed;
          packed := item;
        ELSE
          packed := concat(packed, ',', item);
        END IF;
      END LOOP;
      messages := messages || packed;
      IF muted OR level = 3{{flood}} THEN
        -- without a number of its own, so that PostgreSQL drops a transaction's repetitions
        PERFORM pg_notify('sa_notify', concat(head, about, '{"o":"b"}]}'));
      ELSE
        number := coalesce(nullif(current_setting('sa_notify.n', true), ''), '0');
        FOREACH packed IN ARRAY messages LOOP
          number := number + 1;
          PERFORM pg_notify('sa_notify', concat(head, ',"n":', number, about, packed, ']}'));
        END LOOP;
        PERFORM set_config('sa_notify.n', number::text, true);
      END IF;
      IF too_large THEN
        RAISE WARNING USING
          ERRCODE = 'program_limit_exceeded',
          MESSAGE = concat('sa_notify: a change of ', relation, ' is announced in part (SQLSTATE 54000)'),
          HINT = 'Its values or key pass 7,999 bytes: take large columns out of carry=.';
      END IF;
