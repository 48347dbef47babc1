"""Generated Flask-Admin lists: after random writes, the live page is what a reload shows."""
