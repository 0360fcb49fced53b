"""The report of a run or sweep, as the page gives it away: one file that opens offline, or its data."""

import shlex
from dataclasses import dataclass
from pathlib import Path

from app.actions.compare import RECORDED
from app.actions.run_tokens import RunOf
from app.requests import Id
from app.service import Service
from tokenunlearn.errors import SettingError, did_you_mean
from tokenunlearn.text.numbers import now_words


@dataclass(frozen=True, kw_only=True)
class ReportOf(RunOf):
    """The report of one run or sweep, as html or json."""

    format: Id


def report_file(service: Service, wanted: ReportOf) -> dict[str, str]:
    """Return the report of a run or sweep, `{filename, text, mime}`; of a sweep under way what it has so far.

    Raises RunError for an unknown run and for one without results, SettingError for another format.
    """
    from tokenunlearn.documents.record import report_json, report_of
    from tokenunlearn.documents.report_page import report_page
    from tokenunlearn.documents.sources import open_source, path_here

    formats = {"html": (report_page, "text/html"), "json": (report_json, "application/json")}
    if wanted.format not in formats:
        what = f"There is no report as {wanted.format[:20]!r}"
        raise SettingError(what, fix=did_you_mean(wanted.format, formats))
    write, mime = formats[wanted.format]
    place, name = _place(service, wanted.run_id), f"report-{wanted.run_id}"
    words = ["python", "-m", "tokenunlearn", "report", path_here(str(place)), "--out", f"{name}.html"]
    made = now_words()
    report = report_of(open_source(place), shlex.join(words), made)
    return {"filename": f"{name}.{wanted.format}", "text": write(report), "mime": mime}


def _place(service: Service, run_id: str) -> Path:
    """Return the folder of a run, or the file of the recorded sweep. Raises RunError where there is none."""
    recorded = service.options.sweep
    if run_id == RECORDED and recorded is not None:
        return recorded
    return service.queue.store.path(run_id)
