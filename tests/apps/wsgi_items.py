"""What gunicorn serves: sockets are patched before anything else is imported."""

# ruff: noqa: E402
from gevent import monkey

monkey.patch_all()

from tests.apps.items import create_app

app = create_app()
