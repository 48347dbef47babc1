"""How Alembic finds sa_notify: the ``alembic.plugins`` entry point, and a way for versions before 1.18.

Alembic loads this in the middle of its own import, so nothing of it is imported here. Alembic 1.18.0 to
1.20.0 iterate over what the entry point gives (https://github.com/sqlalchemy/alembic/issues/1873) and
newer ones ask whether it is a module: this module is both.
"""

import sys
from collections.abc import Iterator, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any


class _Plugin(ModuleType):
    def __iter__(self) -> Iterator[ModuleType]:
        return iter((self,))


sys.modules[__name__].__class__ = _Plugin


def setup(plugin: Any) -> None:
    """Called by Alembic 1.18 and later, with the plugin that it made for us."""
    from sa_notify.alembic.plugin import register

    register(plugin)


def offer() -> None:
    """Let an Alembic without plugins, now or when it is imported, know our operations.

    Imports no Alembic: ``env.py`` imports the models, which is when this is called.
    """
    if getattr(sys.modules.get("alembic"), "__version__", None) is not None:
        _register()
    elif not any(isinstance(finder, _AfterAlembic) for finder in sys.meta_path):
        sys.meta_path.insert(0, _AfterAlembic())


def _register() -> None:
    from sa_notify.alembic.plugin import register

    register()


class _AfterAlembic(MetaPathFinder):
    """Watches for the import of Alembic, once."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != "alembic":
            return None
        sys.meta_path.remove(self)
        spec = find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = _Registering(spec.loader)
        return spec


class _Registering(Loader):
    """Alembic's own loader, which registers our operations afterwards."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        _register()
