"""A way to PostgreSQL that can hang, and refuse, at the test's word."""

from sqlalchemy import URL

from tests.link import Link


class Proxy(Link):
    """A link to the server of a URL."""

    def __init__(self, url: URL) -> None:
        super().__init__(url.host or "127.0.0.1", url.port or 5432)
        self._url = url

    @property
    def listen_url(self) -> str:
        url = self._url.set(host="127.0.0.1", port=self.port)
        return url.render_as_string(hide_password=False)
