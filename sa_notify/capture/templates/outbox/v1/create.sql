-- The outbox: tables that rows of changes pass through on their way to the dispatcher.
-- Version 1 is frozen: migrations replay it. Each block is one statement: asyncpg refuses several.
-- Keys of advisory locks: 8314047771468365824 (0x73616e66 << 32) + oid is a table's gate, + (1 << 32) + 1
-- the doorbell, + (1 << 32) + 2 the keeper.
-- block: schema
CREATE SCHEMA IF NOT EXISTS sa_notify
-- block: seq
CREATE SEQUENCE IF NOT EXISTS sa_notify.outbox_seq
-- block: turn
CREATE SEQUENCE IF NOT EXISTS sa_notify.outbox_turn MINVALUE 0
-- block: slot_0
CREATE UNLOGGED TABLE IF NOT EXISTS sa_notify.outbox_0 (
  seq bigint NOT NULL DEFAULT pg_catalog.nextval('sa_notify.outbox_seq'::pg_catalog.regclass),
  xid xid8 NOT NULL DEFAULT pg_catalog.pg_current_xact_id(),
  depth smallint NOT NULL,
  relation text NOT NULL,
  body text NOT NULL
) WITH (toast_tuple_target = 8160, autovacuum_enabled = off, toast.autovacuum_enabled = off)
-- block: body_0
ALTER TABLE sa_notify.outbox_0 ALTER COLUMN body SET STORAGE EXTERNAL
-- block: index_0
CREATE INDEX IF NOT EXISTS outbox_0_xid ON sa_notify.outbox_0 (xid)
-- block: slot_1
CREATE UNLOGGED TABLE IF NOT EXISTS sa_notify.outbox_1 (
  seq bigint NOT NULL DEFAULT pg_catalog.nextval('sa_notify.outbox_seq'::pg_catalog.regclass),
  xid xid8 NOT NULL DEFAULT pg_catalog.pg_current_xact_id(),
  depth smallint NOT NULL,
  relation text NOT NULL,
  body text NOT NULL
) WITH (toast_tuple_target = 8160, autovacuum_enabled = off, toast.autovacuum_enabled = off)
-- block: body_1
ALTER TABLE sa_notify.outbox_1 ALTER COLUMN body SET STORAGE EXTERNAL
-- block: index_1
CREATE INDEX IF NOT EXISTS outbox_1_xid ON sa_notify.outbox_1 (xid)
-- block: slot_2
CREATE UNLOGGED TABLE IF NOT EXISTS sa_notify.outbox_2 (
  seq bigint NOT NULL DEFAULT pg_catalog.nextval('sa_notify.outbox_seq'::pg_catalog.regclass),
  xid xid8 NOT NULL DEFAULT pg_catalog.pg_current_xact_id(),
  depth smallint NOT NULL,
  relation text NOT NULL,
  body text NOT NULL
) WITH (toast_tuple_target = 8160, autovacuum_enabled = off, toast.autovacuum_enabled = off)
-- block: body_2
ALTER TABLE sa_notify.outbox_2 ALTER COLUMN body SET STORAGE EXTERNAL
-- block: index_2
CREATE INDEX IF NOT EXISTS outbox_2_xid ON sa_notify.outbox_2 (xid)
-- block: slot_3
CREATE UNLOGGED TABLE IF NOT EXISTS sa_notify.outbox_3 (
  seq bigint NOT NULL DEFAULT pg_catalog.nextval('sa_notify.outbox_seq'::pg_catalog.regclass),
  xid xid8 NOT NULL DEFAULT pg_catalog.pg_current_xact_id(),
  depth smallint NOT NULL,
  relation text NOT NULL,
  body text NOT NULL
) WITH (toast_tuple_target = 8160, autovacuum_enabled = off, toast.autovacuum_enabled = off)
-- block: body_3
ALTER TABLE sa_notify.outbox_3 ALTER COLUMN body SET STORAGE EXTERNAL
-- block: index_3
CREATE INDEX IF NOT EXISTS outbox_3_xid ON sa_notify.outbox_3 (xid)
-- block: reader
CREATE UNLOGGED TABLE IF NOT EXISTS sa_notify.outbox_reader (
  id uuid PRIMARY KEY,
  beat timestamptz NOT NULL,
  processed pg_snapshot NOT NULL,
  wanted text[] NOT NULL
)
-- block: term
CREATE UNLOGGED TABLE IF NOT EXISTS sa_notify.outbox_term (
  term uuid PRIMARY KEY,
  beat timestamptz NOT NULL,
  backend int NOT NULL
)
-- block: gate
CREATE UNLOGGED TABLE IF NOT EXISTS sa_notify.outbox_gate (
  relation text PRIMARY KEY,
  relation_oid oid,
  standing bool NOT NULL
)
-- block: version
COMMENT ON SCHEMA sa_notify IS 'sa_notify:1'
