"""What the page is told of signals and the rule: tests/cases/signals.json, for the tests in JavaScript.

`python -m tests.signals_picture` draws it anew; a test fails where it differs from the registry.
"""

import json
from pathlib import Path
from typing import Any

from app.views.tokens import menus, rule_settings
from tokenunlearn.selection import Rule
from tokenunlearn.settings import to_dict

PICTURE = Path(__file__).parent / "cases" / "signals.json"


def picture() -> dict[str, Any]:
    """The menus of a payload without any column, the rule that a page begins with, and its settings."""
    told = {**menus([]), "defaults": to_dict(Rule()), "rule_settings": rule_settings()}
    return json.loads(json.dumps(told))


if __name__ == "__main__":
    PICTURE.write_text(json.dumps(picture(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
