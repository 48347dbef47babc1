"""The dispatcher as a process of its own: ``sa-notify dispatch``."""
