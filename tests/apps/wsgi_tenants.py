"""The application of several tenants under gunicorn: sockets are patched before anything else is imported."""

# ruff: noqa: E402
from gevent import monkey

monkey.patch_all()

from tests.apps.tenants import create_app

app = create_app()
