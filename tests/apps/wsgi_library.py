"""The library under gunicorn: sockets are patched before anything else is imported."""

# ruff: noqa: E402
from gevent import monkey

monkey.patch_all()

import os

from tests.admin.library import make_app

app = make_app(os.environ["DATABASE_URL"], async_mode="gevent", create=False)
