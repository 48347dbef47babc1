"""Blocks of README.md, which tests follow to the letter."""

import re
from pathlib import Path

_README = Path(__file__).parents[1] / "README.md"


def readme_blocks(topic: str) -> dict[str, str]:
    """Texts of the fenced blocks that ``<!-- topic: name -->`` stands above, by name."""
    pattern = rf"<!-- {topic}: (?P<name>[\w.]+) -->\n```\w+\n(?P<text>.*?)```"
    found = re.finditer(pattern, _README.read_text(encoding="utf-8"), re.DOTALL)
    return {match["name"]: match["text"] for match in found}
