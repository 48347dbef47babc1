"""Who logs out by Flask-Login sees nothing more, in no tab."""

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from flask import Flask, after_this_request


def follow_logouts(app: Flask, dismiss: Callable[[str], None]) -> None:
    """Have the connections of each user end who logs out, if Flask-Login is installed.

    :param dismiss: called with the user's id when the response is on its way: a browser that came again
        before would still have the old cookie.
    """
    if find_spec("flask_login") is None:
        return
    from flask_login import user_logged_out

    def left(_: Flask, user: Any = None, **_more: Any) -> None:
        user_id = user.get_id()
        if user_id is None:  # nobody was logged in
            return

        @after_this_request
        def then(response: Any) -> Any:
            response.call_on_close(lambda: dismiss(str(user_id)))
            return response

    user_logged_out.connect(left, app, weak=False)
