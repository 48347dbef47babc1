"""How changes leave PostgreSQL: each source turns one delivery into changesets."""
