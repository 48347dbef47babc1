"""Live queries: what a subscriber sees, how it changes, and which queries must be read again."""
