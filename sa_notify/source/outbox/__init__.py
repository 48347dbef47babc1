"""Changes that come through the outbox: a reader of tables, woken by a doorbell, with gates for writers."""
