"""How each fault is done, by what it is done to."""
