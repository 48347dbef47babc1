"""The desk under gunicorn: sockets are patched before anything else is imported."""

# ruff: noqa: E402
from gevent import monkey

monkey.patch_all()

import os

from tests.admin.desk import make_desk

app = make_desk(os.environ["DATABASE_URL"], async_mode="gevent", create=False)
