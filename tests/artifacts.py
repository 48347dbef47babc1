"""Where tests leave what people want to look at afterwards: logs and screenshots."""

import re
from pathlib import Path

FOLDER = Path(__file__).parents[1] / ".artifacts"


def artifact(name: str) -> Path:
    """A path in ``.artifacts/`` for ``name``, with characters that suit file names only."""
    FOLDER.mkdir(exist_ok=True)
    return FOLDER / re.sub(r"[^\w.-]+", "-", name).strip("-")
