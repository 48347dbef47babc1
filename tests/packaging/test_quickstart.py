"""The README's quickstart, to the letter, in a virtual environment of its own."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import Engine, text

from demo.process import Child, free_port, listening
from tests.artifacts import artifact
from tests.readme import readme_blocks

_ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def blocks() -> dict[str, str]:
    """What the README says, by the name in the comment above each block."""
    return readme_blocks("quickstart")


class Shell:
    """A newcomer's terminal: an empty folder, a new virtual environment, DATABASE_URL set."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.folder = folder
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
        self.env = {
            "PATH": f"{folder / 'venv' / 'bin'}:{os.environ['PATH']}",
            "HOME": os.environ.get("HOME", str(folder)),
            "DATABASE_URL": database_url,
            "PIP_CONSTRAINT": str(_ROOT / "constraints.txt"),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }

    def run(self, block: str) -> str:
        """Run a block's commands one after the other; a failure fails the test."""
        said = []
        for command in commands(block):
            done = subprocess.run(
                ["bash", "-c", command],
                cwd=self.folder,
                env=self.env,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"$ {command}\n{done.stdout}{done.stderr}"
            said.append(done.stdout)
        return "\n".join(said)


def commands(block: str) -> list[str]:
    """The lines of a console block that are typed."""
    return [line.removeprefix("$ ") for line in block.splitlines() if line.startswith("$ ")]


@pytest.fixture
def shell(tmp_path: Path, database_url: str, built: Path, blocks: dict[str, str]) -> Shell:
    """A terminal where the quickstart's packages are installed, ours from the wheel."""
    made = Shell(tmp_path, database_url)
    (wheel,) = built.glob("*.whl")
    assert '"sa-notify[admin]"' in blocks["install"]
    made.run(blocks["install"].replace('"sa-notify[admin]"', shlex.quote(f"{wheel}[admin]")))
    return made


@pytest.fixture
def served(shell: Shell, blocks: dict[str, str]) -> Iterator[str]:
    """The URL of the quickstart's app, after all of its steps."""
    for name in ("models.py", "app.py"):
        (shell.folder / name).write_text(blocks[name])
    shell.run(blocks["init"])
    env_py = shell.folder / "migrations" / "env.py"
    assert "\ntarget_metadata = None\n" in env_py.read_text()
    env_py.write_text(env_py.read_text().replace("\ntarget_metadata = None\n", "\n" + blocks["env.py"]))
    shell.run(blocks["migrate"])
    (revision,) = (shell.folder / "migrations" / "versions").glob("*.py")
    assert "op.create_notify_trigger(" in revision.read_text()
    yield from _gunicorn(shell, blocks["run"])


def _gunicorn(shell: Shell, block: str) -> Iterator[str]:
    (command,) = commands(block)
    port = free_port()
    child = Child(
        ["bash", "-c", "exec " + command.replace(":8000", f":{port}")],
        log=artifact("quickstart-gunicorn.log"),
        name="gunicorn",
        env=shell.env,
        cwd=shell.folder,
    )
    try:
        child.wait_until(lambda: listening(port))
        yield f"http://127.0.0.1:{port}"
    finally:
        child.stop(seconds=60)


def test_quickstart(served: str, page: Page, engine: Engine) -> None:
    """Following the README gives a page and an admin list that show what plain SQL writes, as it writes."""
    admin = page.context.new_page()
    page.goto(served)
    page.wait_for_function("saNotify.state === 'live'")
    admin.goto(f"{served}/admin/todoitem/")
    admin.wait_for_function("saNotify.state === 'live'")
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO todo_items (title, done) VALUES ('from psql', false)"))

    expect(page.locator("#todos li")).to_have_text(["from psql"])
    expect(admin.locator("table.model-list tbody tr")).to_have_count(1)
    expect(admin.locator("table.model-list")).to_contain_text("from psql")
    admin.screenshot(path=artifact("quickstart-admin.png"))
