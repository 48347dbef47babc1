"""From a source of changes to those who want them."""
