"""Write constraints.txt: the exact versions that the project is developed and tested with.

Run it with the oldest supported Python, so that every version it names installs there. Environment
markers are left out of the resolution: what only another Python needs is pinned as well.
"""

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[1]
_HEAD = "# Exact versions for a reproducible set-up; written by `make lock` on Python {}.{}.\n"


def requirements(project: dict[str, Any]) -> list[str]:
    """Everything that any extra or the build asks for, without markers."""
    groups = [project["project"]["dependencies"], *project["project"]["optional-dependencies"].values()]
    wanted = [line for group in groups for line in group] + project["build-system"]["requires"]
    return sorted({line.partition(";")[0].strip() for line in wanted if not line.startswith("sa-notify")})


def resolve(wanted: list[str]) -> list[str]:
    """``name==version`` of these requirements and all that they need."""
    options = ["--dry-run", "--ignore-installed", "--quiet", "--only-binary", ":all:", "--report", "-"]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, *wanted],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(done.stderr)
    found = [entry["metadata"] for entry in json.loads(done.stdout)["install"]]
    return sorted(f"{entry['name'].lower().replace('_', '-')}=={entry['version']}" for entry in found)


def main() -> None:
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text())
    pins = resolve(requirements(project))
    head = _HEAD.format(*sys.version_info[:2])
    (_ROOT / "constraints.txt").write_text(head + "\n".join(pins) + "\n")
    print(f"{len(pins)} packages pinned")


if __name__ == "__main__":
    main()
