"""The model card of a run's adapter, and both as one file: what it is, what it was made of, what it does.

The card says nothing that the run's folder does not hold.
"""

import hashlib
import io
import json
import os
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tokenunlearn.contents import text_of
from tokenunlearn.data.json_text import from_json
from tokenunlearn.data.rows import SPLITS
from tokenunlearn.errors import RunError
from tokenunlearn.models.adapter_files import CONFIG
from tokenunlearn.models.embedded import EMBEDDED_NAME
from tokenunlearn.probes import PROBES
from tokenunlearn.runs.artifact import ADAPTER, ADAPTER_FILES, adapter_words, read_artifact
from tokenunlearn.runs.run_rows import world_kept

_EMBEDDED_HUB: Final = f"HuggingFaceTB/{EMBEDDED_NAME}"
_EMBEDDED_LICENCE: Final = "apache-2.0"
_MARKS: Final = re.compile(r"([\\`*\[\]<>#|~&]|(?<!\w)_|_(?!\w))")
_DATE: Final = (1980, 1, 1, 0, 0, 0)  # the same bytes for the same run
_LIMITS: Final = (
    "A forgotten answer is no proof that the knowledge is gone: another question, another language or a few "
    "steps of training on the rows may bring it back.",
    "The figures above are of the rows named here, asked as the probes ask. Of anything else nothing was "
    "measured.",
    "The adapter holds the target's adapter and what was trained on it as one LoRA: it belongs on the base "
    "model, not on the target.",
)


def data_hash(config: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the rows that a config holds, by split."""
    rows = {split: config.get(split) or [] for split in SPLITS}
    return hashlib.sha256(json.dumps(rows, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def model_card(
    run_id: str, config: Mapping[str, Any], probes: Mapping[str, Any] | None, made: int | None = None
) -> str:
    """Return the card as Markdown, with the head that a hub reads.

    `config` and `probes` are the run's files; `made` is how many steps the adapter has been trained, None
    where that is not recorded. No path of this machine is in it.
    """
    base, embedded = base_name(config), config.get("model") is None
    adapter = config.get("adapter")
    rows = [f"{len(config[split])} {split}" for split in SPLITS if _listed(config.get(split))]
    same = " (the retain rows are those of the world, so their figures are of rows that were trained)"
    same = same if world_kept(config) else ""
    about = [
        ("Base model", f"{base} ({_EMBEDDED_LICENCE})" if embedded else f"{base}; its own licence holds"),
        ("Target adapter", adapter_words(Path(adapter)) if adapter else "none"),
        ("Precision", config.get("precision") or "auto"),
        ("Rows", f"{', '.join(rows) or 'none named'}{same}; SHA-256 {data_hash(config)}"),
        ("Tokens trained", f"{config.get('arm') or 'every token'}; mask {config.get('mask_hash') or 'none'}"),
        ("Steps made", _steps(made, config)),
    ]
    settings = [
        (f"{group}.{name}", json.dumps(value, ensure_ascii=False))
        for group in ("training", "rule")
        for name, value in (config.get(group) or {}).items()
    ]
    parts = [
        "---",
        f"base_model: {json.dumps(base)}",
        "library_name: peft",
        "tags: [unlearning, lora]",
        *([f"license: {_EMBEDDED_LICENCE}"] if embedded else []),
        "---",
        f"\n# {plain_markdown(str(config.get('name') or run_id))}\n",
        f"A LoRA made by TokenUnlearn Explorer ({run_id}) so that a model forgets some facts.\n",
        *_table(("", ""), about),
        "\n## Before and after\n",
        *_figures(probes),
        "\n## Settings\n",
        *_table(("setting", "value"), settings),
        "\n## Limits\n",
        *(f"- {text}" for text in _LIMITS),
        "\n## Use\n",
        "```python",
        "from peft import PeftModel",
        "from transformers import AutoModelForCausalLM",
        f"base = AutoModelForCausalLM.from_pretrained({json.dumps(base)})",
        'model = PeftModel.from_pretrained(base, "FOLDER OF THIS FILE")',
        "```",
    ]
    return "\n".join(parts) + "\n"


def steps_made(directory: Path) -> int | None:
    """Return how many steps the saved adapter of a run has been trained; None where that is not known."""
    try:
        state = from_json(text_of(directory / "state.json"))
    except (OSError, ValueError):
        return None
    made = state.get("saved_step") if isinstance(state, dict) else None
    return made if type(made) is int and made > 0 else None


def _steps(made: int | None, config: Mapping[str, Any]) -> str:
    asked = (config.get("training") or {}).get("steps") or config.get("steps")
    told = "not recorded" if made is None else str(made)
    return f"{told} of {asked}" if asked else told


def base_name(config: Mapping[str, Any]) -> str:
    """Return the name of the base model that others can know: of a folder its last part."""
    name = config.get("model")
    if name is None:
        return _EMBEDDED_HUB
    path = Path(name)
    typed = path.is_absolute() or name.startswith(".") or len(path.parts) > 2 or path.is_dir()
    return Path(os.path.abspath(path)).name if typed else str(name)


def _listed(rows: Any) -> bool:
    return isinstance(rows, list) and bool(rows)


def _figures(probes: Mapping[str, Any] | None) -> list[str]:
    before, after = (((probes or {}).get(side) or {}).get("summary") for side in ("before", "after"))
    if not before or not after:
        return ["Not measured."]
    known = [name for name in PROBES if before.get(name) is not None or after.get(name) is not None]
    rows = [
        (f"{PROBES[name].label}, {PROBES[name].unit}", _number(before.get(name)), _number(after.get(name)))
        for name in known
    ]
    return _table(("figure", "before", "after"), rows)


def _number(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.3f}"


def _table(heads: tuple[str, ...], rows: list[Any]) -> list[str]:
    lines = [heads, tuple("---" for _ in heads), *rows]
    return ["| " + " | ".join(_cell(text) for text in line) + " |" for line in lines]


def _cell(text: str) -> str:
    return plain_markdown(str(text))


def plain_markdown(text: str) -> str:
    r"""Return a text as one line of Markdown that shows it as it is: no heading, link, image, code or HTML.

    >>> print(plain_markdown("a <b> | [x](y)\n# c_d _e_"))
    a \<b\> \| \[x\](y) \# c_d \_e\_
    """
    seen = "".join(each if each.isprintable() else " " for each in text)
    return _MARKS.sub(r"\\\1", " ".join(seen.split()))


def adapter_zip(directory: Path, config: Mapping[str, Any], probes: Mapping[str, Any] | None) -> bytes:
    """Return the run's adapter with its model card as the content of a .zip.

    Raises RunError where the run has left none.
    """
    artifact = read_artifact(directory)
    if artifact is None or artifact.kind != ADAPTER:
        raise RunError(f"{directory.name} has no adapter", "It trained nothing that was saved")
    files = {name: (directory / "adapter" / name).read_bytes() for name in ADAPTER_FILES}
    files[CONFIG] = _named(files[CONFIG], base_name(config))
    files["README.md"] = model_card(directory.name, config, probes, steps_made(directory)).encode()
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as packed:  # weights do not get smaller
        for name, content in files.items():
            entry = zipfile.ZipInfo(f"{directory.name}/{name}", _DATE)
            entry.external_attr = 0o644 << 16
            packed.writestr(entry, content)
    return file.getvalue()


def _named(content: bytes, base: str) -> bytes:
    """Return an adapter's config with this name of the base, in the place of a path of this machine."""
    record = json.loads(content) | {"base_model_name_or_path": base}
    return json.dumps(record, indent=2, sort_keys=True).encode()
