"""Blocks of README.md and of documents, which tests follow to the letter."""

import re
from pathlib import Path

_ROOT = Path(__file__).parents[1]


def readme_blocks(topic: str, document: str = "README.md") -> dict[str, str]:
    """Texts of the fenced blocks that ``<!-- topic: name -->`` stands above, by name."""
    pattern = rf"<!-- {topic}: (?P<name>[\w.]+) -->\n```\w+\n(?P<text>.*?)```"
    found = re.finditer(pattern, (_ROOT / document).read_text(encoding="utf-8"), re.DOTALL)
    return {match["name"]: match["text"] for match in found}
