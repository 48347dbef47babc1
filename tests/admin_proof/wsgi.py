"""The site under gunicorn, at the root and mounted under a prefix."""

# ruff: noqa: E402
from gevent import monkey

monkey.patch_all()

import json
import os

from werkzeug.middleware.dispatcher import DispatcherMiddleware

from tests.admin_proof.site import PREFIX, make_app

_site = make_app(
    os.environ["DATABASE_URL"],
    os.environ["ARCHIVE_URL"],
    int(os.environ["PROOF_SEED"]),
    json.loads(os.environ["PROOF_FEATURES"]),
    async_mode="gevent",
)
app = DispatcherMiddleware(_site, {PREFIX: _site})
