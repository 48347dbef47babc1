"""Builds the browser library with the package; everything else is in pyproject.toml.

A source distribution carries the library, so that installing from one needs neither Node.js nor the npm
registry. ``python sa_notify/client/bundle.py`` builds it alone.
"""

import sys
from pathlib import Path
from typing import ClassVar

from setuptools import Command, setup
from setuptools.command.build import build
from setuptools.command.sdist import sdist

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / "sa_notify" / "client"))

import bundle  # noqa: E402  # found by the line above: a build has no path to its own folder


class build_js(Command):  # noqa: N801  # named as setuptools names commands
    """Builds the browser library where the package's sources are, before build_py collects it."""

    description = "build the browser library"
    user_options: ClassVar[list[tuple[str, str, str]]] = []
    editable_mode = False
    build_lib: str | None = None

    def initialize_options(self) -> None:
        pass

    def finalize_options(self) -> None:
        pass

    def run(self) -> None:
        if bundle.main():
            raise SystemExit(1)

    def get_source_files(self) -> list[str]:
        return [path.relative_to(ROOT).as_posix() for path in bundle.sources()]

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
