"""What benchmarks share: a Chromium that is not there is told before anything is timed."""

from pathlib import Path

import pytest

from benchmarks import browser

FOLDER = Path(browser.__file__).parent


def test_without_a_chromium_a_benchmark_ends_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CHROMIUM", raising=False)
    for name in ("PATH", "HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    with pytest.raises(SystemExit, match=r"^No Chromium is here\. .*--install"):
        browser.chromium()


def test_every_benchmark_asks_there() -> None:
    asks = [path for path in FOLDER.glob("*.py") if "executable_path" in path.read_text(encoding="utf-8")]
    assert len(asks) >= 5
    for path in asks:
        text = path.read_text(encoding="utf-8")
        assert "from benchmarks.browser import chromium" in text and "CHROMIUM" not in text, path.name
