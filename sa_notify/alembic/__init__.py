"""Capture as migrations: operations, their rendering, and the comparison that autogenerate makes.

Alembic finds it through the ``alembic.plugins`` entry point; importing this package does the same.
"""

# first, so that Alembic's own import is over before ours needs its parts
import alembic

from sa_notify.alembic.plugin import register

# in the middle of Alembic's own import the entry point registers
if hasattr(alembic, "__version__"):
    register()
