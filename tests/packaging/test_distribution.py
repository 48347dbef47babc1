"""What is installed is what is needed."""

import tarfile
import zipfile
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel_names(built: Path) -> set[str]:
    """The files of the wheel."""
    (path,) = built.glob("*.whl")
    with zipfile.ZipFile(path) as wheel:
        return set(wheel.namelist())


def test_wheel_carries_its_data(wheel_names: set[str]) -> None:
    """The browser library, SQL and page templates and the type marker are in the wheel."""
    templates = [path for path in (_ROOT / "sa_notify").glob("**/templates/**/*") if path.is_file()]
    needed = {path.relative_to(_ROOT).as_posix() for path in templates}
    needed |= {"sa_notify/web/static/sa_notify.js", "sa_notify/py.typed", "sa_notify/_alembic_entry.py"}

    assert needed - wheel_names == set()


def test_wheel_carries_every_module_and_no_more(wheel_names: set[str]) -> None:
    """All our modules are in the wheel; tests, the demo and the library's sources are not."""
    modules = {path.relative_to(_ROOT).as_posix() for path in (_ROOT / "sa_notify").rglob("*.py")}
    modules -= {name for name in modules if name.startswith("sa_notify/client/")}

    assert {name for name in wheel_names if name.endswith(".py")} == modules
    assert all(name.startswith(("sa_notify/", "sa_notify-")) for name in wheel_names)
    assert not [name for name in wheel_names if "/client/" in name]


def test_sdist_carries_the_built_library_and_its_sources(built: Path) -> None:
    """A source distribution installs without Node.js, and can build the browser library anew."""
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    client = _ROOT / "sa_notify" / "client"
    sources = [client / "package-lock.json", client / "bundle.py", *(client / "src").rglob("*.js")]

    assert {
        "sa_notify/web/static/sa_notify.js",
        *(source.relative_to(_ROOT).as_posix() for source in sources),
    } <= names
    assert not [name for name in names if "node_modules" in name]
