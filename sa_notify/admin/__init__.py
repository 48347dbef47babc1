"""Flask-Admin pages that follow the database."""

from sa_notify.admin.view import RealtimeMixin, RealtimeModelView

__all__ = ["RealtimeMixin", "RealtimeModelView"]
