-- The turn goes first: whoever is about to write looks at it, and finds out where it can still be helped.
-- Then all in the order in which a reader's statement locks it, or each could wait for the other.
-- block: turn
DROP SEQUENCE IF EXISTS sa_notify.outbox_turn
-- block: term
DROP TABLE IF EXISTS sa_notify.outbox_term
-- block: reader
DROP TABLE IF EXISTS sa_notify.outbox_reader
-- block: slot_0
DROP TABLE IF EXISTS sa_notify.outbox_0
-- block: slot_1
DROP TABLE IF EXISTS sa_notify.outbox_1
-- block: slot_2
DROP TABLE IF EXISTS sa_notify.outbox_2
-- block: slot_3
DROP TABLE IF EXISTS sa_notify.outbox_3
-- block: gate
DROP TABLE IF EXISTS sa_notify.outbox_gate
-- block: seq
DROP SEQUENCE IF EXISTS sa_notify.outbox_seq
-- block: schema
DROP SCHEMA IF EXISTS sa_notify
