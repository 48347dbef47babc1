"""Where changes go that is not a browser."""
