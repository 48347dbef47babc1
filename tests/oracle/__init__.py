"""The oracle: whatever is written, every window equals its SELECT."""
