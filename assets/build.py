"""Make all in assets/ that a model makes: adapters, learned scorers, the recorded example, the manifest.

1. Teach the target (forget + retain + one-off rows) and the retain-only adapter, from one seed.
2. Hold both to what the demo claims: the target recites, the retain-only one does not.
3. Record the first paint: the scores of the demo and one default unlearning run with its probes.
4. Fit the scorers of the learned signal: on all annotated rows, and without each kind of the demo.
5. Record the sweep that the Compare tab shows at first: three arms, three seeds, by the command `compare`.
6. Write manifest.json with hashes, data hash, settings and what was measured.

`make assets`; about half an hour on two cores. `--only recorded` leaves the adapters as they are; `--only
learned` (a minute) is what other annotated rows need; `--only sweep` takes a quarter of an hour.
"""

import argparse
import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

ASSETS = Path(__file__).resolve().parent
sys.path.insert(0, str(ASSETS.parent))

from app.shown import shown_scores  # noqa: E402
from tokenunlearn.cli import main as main_of_commands  # noqa: E402
from tokenunlearn.data.demo import DEMO_NAMES, demo_rows  # noqa: E402
from tokenunlearn.data.rows import Row, row_to_dict  # noqa: E402
from tokenunlearn.experiments.results import read_results, results_text  # noqa: E402
from tokenunlearn.learned.fit import fit  # noqa: E402
from tokenunlearn.learned.fitted import annotated, layer_of, made_of, shipped  # noqa: E402
from tokenunlearn.learned.scorer_files import write_scorer  # noqa: E402
from tokenunlearn.masks import make_mask  # noqa: E402
from tokenunlearn.metrics.tofu import rouge_l_recall  # noqa: E402
from tokenunlearn.models.adapter_files import CONFIG, WEIGHTS  # noqa: E402
from tokenunlearn.models.embedded import EMBEDDED_NAME, file_hash  # noqa: E402
from tokenunlearn.models.loading import load_model  # noqa: E402
from tokenunlearn.scoring import ScoreConfig, iter_scores, new_scores  # noqa: E402
from tokenunlearn.selection import Rule  # noqa: E402
from tokenunlearn.settings import to_dict  # noqa: E402
from tokenunlearn.training.config import TrainConfig  # noqa: E402
from tokenunlearn.training.events import StepDone, to_json  # noqa: E402
from tokenunlearn.training.loop import train  # noqa: E402
from tokenunlearn.training.session import with_fresh_lora  # noqa: E402
from tokenunlearn.training.teach import TeachConfig, teach  # noqa: E402

TAUGHT = {"target": ("shared_forget", "shared_retain", "one_off"), "retain_only": ("shared_retain",)}
SWEPT = ("chosen", "uniform", "random")
TEACHING = TeachConfig(epochs=20, stop_loss=0.02)
RECITES, FORGETS = 0.9, 0.5


def say(text: str) -> None:
    """Write a line of progress."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")


def data_hash(names: Sequence[str]) -> str:
    """SHA-256 over the demo rows of these sets."""
    rows = [row_to_dict(row) for name in names for row in demo_rows(name)]
    return hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()


def build_adapter(name: str) -> dict[str, Any]:
    """Teach one adapter, store it as bf16, and return its manifest entry."""
    rows = [row for part in TAUGHT[name] for row in demo_rows(part)]
    folder = ASSETS / "adapters" / name
    losses: list[float] = []
    for event in teach(load_model(precision="fp32"), rows, TEACHING, folder):
        if isinstance(event, StepDone):
            losses.append(event.retain_loss)
            say(f"{name}: step {event.step}, loss {event.retain_loss:.3f}")
    return stored(name, losses)


def stored(name: str, losses: Sequence[float]) -> dict[str, Any]:
    """Bring a taught adapter to the form it is shipped in (bf16), and return its manifest entry."""
    folder = ASSETS / "adapters" / name
    state = {key: value.to(torch.bfloat16) for key, value in load_file(folder / WEIGHTS).items()}
    save_file(state, folder / WEIGHTS, metadata={"format": "pt"})
    config = json.loads((folder / CONFIG).read_text())
    config["base_model_name_or_path"] = f"HuggingFaceTB/{EMBEDDED_NAME}"
    (folder / CONFIG).write_text(json.dumps(config, indent=1, sort_keys=True))
    return {
        "sets": list(TAUGHT[name]),
        "data_hash": data_hash(TAUGHT[name]),
        "config": asdict(TEACHING),
        "steps": len(losses),
        "final_loss": round(losses[-1], 4),
        "bytes": (folder / WEIGHTS).stat().st_size,
    }


def recited(name: str | None, rows: Sequence[Row]) -> dict[str, float]:
    """Share of rows whose greedy answer has ROUGE-L recall ≥ .9, and the mean recall, under an adapter."""
    adapter = ASSETS / "adapters" / name if name else None
    answers = load_model(adapter=adapter, precision="fp32").generate([row.question for row in rows], 48)
    recalls = [rouge_l_recall(row.answer, answer.text) for row, answer in zip(rows, answers, strict=True)]
    share = sum(recall >= RECITES for recall in recalls) / len(recalls)
    return {"recited": round(share, 3), "mean_rouge_l": round(sum(recalls) / len(recalls), 3)}


def record_example() -> dict[str, Any]:
    """The payload of first paint and one default run with its probes, all from the real model."""
    from tokenunlearn.data.splits import Splits
    from tokenunlearn.experiments.arms import weights_by_row
    from tokenunlearn.masks import columns_from_table
    from tokenunlearn.probes.report import compare_reports, probe_report, with_badges

    forget, one_off = demo_rows("shared_forget"), demo_rows("one_off")
    retain, world = demo_rows("shared_retain"), demo_rows("world")
    loaded = load_model(adapter=ASSETS / "adapters" / "target")
    rows = [*forget, *one_off]
    scores = new_scores(loaded, rows, ScoreConfig())
    for scored in iter_scores(loaded, rows, ScoreConfig()):
        scores.rows.append(scored)
    say("scored")
    table = scores.table[scores.table["row_id"].isin({row.id for row in forget})].reset_index(drop=True)
    mask = make_mask(columns_from_table(table), Rule(), {}, scores.scores_id)
    config = TrainConfig()
    before = probe_report(loaded, Splits(forget, retain, world))
    say("probed before")
    trained = with_fresh_lora(loaded, config)
    events = []
    for event in train(trained, forget, retain, weights_by_row(table, mask.weights), config, watch=forget[0]):
        events.append(to_json(event))
        say(str(events[-1]))
    after = with_badges(before, probe_report(trained, Splits(forget, retain, world)))
    say("probed after")
    run = {
        "config": {
            "training": to_dict(config),
            "rule": to_dict(Rule()),
            "mask_hash": mask.hash,
            "arm": "chosen",
        },
        "events": events,
        "probes": {"before": before, "after": after, "changes": compare_reports(before, after)},
    }
    payload = dict(shown_scores(scores, "recorded").payload)
    payload["signals"] = {signal: {} for signal in payload["signals"]}  # what is said of them is said at load
    return {"tokens": payload, "run": run}


def record_sweep() -> None:
    """Measure the shipped target's arms as anyone would, and keep them without the models' answers."""
    path = ASSETS / "recorded" / "sweep.jsonl"
    draft = path.with_name("sweep-draft.jsonl")  # what was measured stays, if it is stopped
    asked = ["--arms", ",".join(SWEPT), "--seeds", "3", "--out", str(draft)]
    if main_of_commands(["compare", "--demo", *asked]):
        raise SystemExit("The sweep was not measured; nothing was recorded.")
    head = json.loads(draft.read_text("utf-8").splitlines()[0])
    results = [replace(each, answers=[]) for each in read_results(draft)]
    path.write_text(results_text(head["origin"], results), "utf-8")
    for left in path.parent.glob("sweep-draft*"):  # with the mask and scores that `compare` keeps beside it
        left.unlink()


def write_json(path: Path, record: Any) -> None:
    """Replace `path` by the record as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
        json.dump(record, file, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    Path(file.name).chmod(0o644)
    Path(file.name).replace(path)


def manifest(adapters: dict[str, Any]) -> dict[str, Any]:
    """Hashes of all built files beside what was measured on them."""
    forget = demo_rows("shared_forget")
    for name in TAUGHT:
        adapters[name] |= {
            "forget": recited(name, forget),
            "retain": recited(name, demo_rows("shared_retain")),
        }
        say(f"{name}: {adapters[name]}")
    if adapters["target"]["forget"]["recited"] < RECITES:
        raise SystemExit("The target does not recite the forget rows; nothing was recorded.")
    if adapters["retain_only"]["forget"]["recited"] >= FORGETS:
        raise SystemExit("The retain-only adapter recites the forget rows; nothing was recorded.")
    return {"model": EMBEDDED_NAME, "built_with": {"torch": torch.__version__}, "adapters": adapters}


def files() -> dict[str, str]:
    """The SHA-256 of every built file and every file of rows, by its path."""
    suffixes = (".safetensors", ".jsonl", ".txt")
    paths = sorted(path for path in ASSETS.rglob("*") if path.suffix in suffixes)
    return {str(path.relative_to(ASSETS)): file_hash(path) for path in paths}


def build_scorers() -> dict[str, Any]:
    """Fit the embedded model's scorers in fp32, and return what they were made of, by file."""
    model, entries = load_model(precision="fp32"), {}
    layer = layer_of(model)
    for kind in ("", *dict.fromkeys(row.set for name in DEMO_NAMES for row in demo_rows(name))):
        path = shipped(kind)
        path.parent.mkdir(exist_ok=True)
        scorer = fit(annotated(model, layer).basis(kind), None, layer, made_of=made_of(model, kind))
        write_scorer(path, scorer)
        entries[path.name] = {"layer": layer, "hash": scorer.hash, **scorer.made_of}
        say(f"{path.name}: {entries[path.name]}")
    return entries


def main() -> None:
    """Build what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    choices = ("adapters", "learned", "sweep", "recorded")
    parser.add_argument("--only", choices=choices, help="build a part only")
    asked = parser.parse_args().only
    path = ASSETS / "manifest.json"
    parts = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    if asked in (None, "adapters"):
        parts |= manifest({name: build_adapter(name) for name in TAUGHT})
    if asked in (None, "learned"):
        parts["learned"] = build_scorers()
    if asked in (None, "sweep"):
        record_sweep()
    if asked != "recorded":
        write_json(path, {**parts, "files": files()})
    if asked in (None, "recorded"):
        write_json(ASSETS / "recorded" / "example.json", record_example())


if __name__ == "__main__":
    main()
