"""Exports of a heatmap: one row or the set, as HTML, SVG, CSV or JSON."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Final

from app.actions.draft import Draft
from app.actions.tokens import mask_of
from app.requests import Id, below, whole
from app.service import Service
from app.views.heatmap import heatmap
from tokenunlearn.documents.heatmap import Heatmap
from tokenunlearn.documents.heatmap_page import page
from tokenunlearn.documents.heatmap_picture import picture
from tokenunlearn.documents.heatmap_table import comma_table, json_record
from tokenunlearn.errors import InputError, SettingError, did_you_mean

FORMATS: Final[Mapping[str, tuple[Callable[[Heatmap], str], str]]] = MappingProxyType(
    {
        "html": (page, "text/html"),
        "svg": (picture, "image/svg+xml"),
        "csv": (comma_table, "text/csv"),
        "json": (json_record, "application/json"),
    }
)


@dataclass(frozen=True, kw_only=True)
class Export(Draft):
    """The heatmap of a signal on a draft's set, or on one row of it."""

    format: Id
    signal: Id
    row: Annotated[int | None, whole()] = None


def export_heatmap(service: Service, wanted: Export) -> dict[str, str]:
    """Return the file of a heatmap: `{filename, text, mime}`.

    Also of a recorded example, which says so. Raises InputError, SettingError, MaskError.
    """
    form, name, row = wanted.format, wanted.set, wanted.row
    if form not in FORMATS:
        raise SettingError(f"There is no export as {form[:20]!r}", fix=did_you_mean(form, FORMATS))
    shown, mask = mask_of(service, wanted)
    rows = shown.payload["rows"]
    if row is not None and rows[below(len(rows), row, "row")]["set"] != name:
        raise InputError(f"Row {row} is not in the set {name!r}", fix="Reload the page")
    write, mime = FORMATS[form]
    made = write(heatmap(shown, name, mask, wanted.signal, row))
    part = f"row-{row + 1}" if row is not None else "all"
    safe = "".join(each if each.isascii() and each.isalnum() else "-" for each in name) or "rows"
    return {"filename": f"heatmap-{safe}-{part}-{mask.hash[:8]}.{form}", "text": made, "mime": mime}
