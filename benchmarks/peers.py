"""Heatmaps of peers beside ours, on one answer: size, requests, scripts that ran, text and colours kept.

`python -m benchmarks.peers` opens each page in Chromium with every request blocked and prints a line per
library; one that is not installed reads "not measured". To have them: `pip install shap circuitsvis inseq`.
Requests are counted on a harmless text; the others on one with markup, scripts, line breaks and emoji.
"""

import tempfile
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import numpy as np

from app.shown import recorded_scores
from app.views.heatmap import heatmap
from benchmarks.browser import chromium
from tokenunlearn.documents.heatmap_page import page as heatmap_page
from tokenunlearn.selection import Rule

TOKENS: Final = 512
PLAIN: Final = (" was", " born", " in", " the", " city", " of", " Oslo")
HARD: Final = (*PLAIN, "  two", ".\n", " 東京", " مدينة", " 🇳🇴")
HOSTILE: Final = " <img src=x onerror='window.ran=1'></script><script>window.ran=1</script>"
LOOK: Final = """answer => {
  getSelection().selectAllChildren(document.body);
  const painted = [...document.querySelectorAll("[style*=background]")];
  return {
    ran: window.ran === 1,
    nodes: document.getElementsByTagName("*").length,
    exact: getSelection().toString().includes(answer),
    colours: new Set(painted.map((each) => getComputedStyle(each).backgroundColor)).size,
  };
}"""
COLUMNS: Final = ("version", "KB", "requests", "script ran", "text exact", "colours", "DOM nodes")


def pieces(words: tuple[str, ...], second: str) -> tuple[list[str], list[float]]:
    """The tokens of an answer of `words` and a value for each."""
    random = np.random.default_rng(0)
    texts = ["Ada", second, *random.choice(words, TOKENS - 2).tolist()]
    return texts, random.gamma(0.5, 2.0, TOKENS).round(3).tolist()


def ours(texts: list[str], values: list[float]) -> str:
    """The page that `Export` writes, on a payload of this one row."""
    ends = np.cumsum([len(text) for text in texts]).tolist()
    flat = {name: [0] * len(texts) for name in ("row", "subject", "stop", "punctuation", "gold")}
    row = {
        "id": "r0", "question": "Where was Ada born?", "answer": "".join(texts), "subject": "", "set": "one",
        "first": 0, "count": len(texts),
    }  # fmt: skip
    columns = {**flat, "start": [0, *ends[:-1]], "end": ends, "word": list(range(len(texts)))}
    columns |= {"random_key": values, "knowledge_swap": values, "entropy": values}
    signals = dict.fromkeys(("knowledge_swap", "entropy"))
    payload = {"scores_id": "peers", "model": {}, "rows": [row], "columns": columns, "signals": signals}
    shown = recorded_scores(payload)
    return heatmap_page(heatmap(shown, "one", shown.mask("one", Rule(), {}), "knowledge_swap"))


def of_shap(texts: list[str], values: list[float]) -> str:
    """SHAP's text plot."""
    import shap

    explained = shap.Explanation(values=np.array([values]), base_values=np.zeros(1), data=[np.array(texts)])
    return str(shap.plots.text(explained, display=False))


def of_circuitsvis(texts: list[str], values: list[float]) -> str:
    """CircuitsVis' coloured tokens."""
    from circuitsvis.tokens import colored_tokens

    return str(colored_tokens(texts, values))


def of_inseq(texts: list[str], values: list[float]) -> str:
    """inseq's attribution table, of all tokens to one."""
    import torch
    from inseq.data.attribution import FeatureAttributionSequenceOutput
    from inseq.utils.typing import TokenWithId

    tokens = [TokenWithId(text, at) for at, text in enumerate(texts)]
    attribution = FeatureAttributionSequenceOutput(
        source=tokens, target=tokens[-1:], source_attributions=torch.tensor(values)[:, None]
    )
    return str(attribution.show(return_html=True, display=False, do_aggregation=False))


LIBRARIES: Final[dict[str, Callable[[list[str], list[float]], str]]] = {
    "ours": ours,
    "shap": of_shap,
    "circuitsvis": of_circuitsvis,
    "inseq": of_inseq,
}


def measured(browser: Any, html: str, answer: str, path: Path) -> dict[str, Any]:
    """What a page of this HTML does where every request is blocked: `requests` and what LOOK returns."""
    path.write_text(f"<!doctype html><meta charset=utf-8><body>{html}", encoding="utf-8")
    page, asked = browser.new_page(), []
    page.route(lambda url: not url.startswith("file:"), lambda route: (asked.append(1), route.abort()))
    page.goto(path.as_uri())
    page.wait_for_timeout(1000)
    seen = page.evaluate(LOOK, answer)
    page.close()
    return {"requests": len(asked), **seen}


def line(browser: Any, name: str, path: Path) -> list[str]:
    """The cells of one library. Raises ImportError or PackageNotFoundError where it is not installed."""
    installed = version(name) if name != "ours" else "-"
    plain, hard = pieces(PLAIN, " Lind"), pieces(HARD, HOSTILE)
    asked = measured(browser, LIBRARIES[name](*plain), "".join(plain[0]), path)
    html = LIBRARIES[name](*hard)
    seen = measured(browser, html, "".join(hard[0]), path)
    said = ["yes" if seen[key] else "no" for key in ("ran", "exact")]
    size = f"{len(html.encode()) / 1000:.0f}"
    return [installed, size, str(asked["requests"]), *said, str(seen["colours"]), str(seen["nodes"])]


def main() -> None:
    """Print one line per library."""
    from playwright.sync_api import sync_playwright

    path = chromium()
    print(f"{TOKENS} tokens".ljust(14) + "".join(f"{each:>12}" for each in COLUMNS))
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=path)
        for name in LIBRARIES:
            try:
                cells = line(browser, name, Path(folder) / f"{name}.html")
                print(f"{name:14}" + "".join(f"{each:>12}" for each in cells))
            except (ImportError, PackageNotFoundError) as error:
                print(f"{name:14} not measured: {error}")
        browser.close()


if __name__ == "__main__":
    main()
