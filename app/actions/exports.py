"""Exports of a heatmap: one row or the set, as HTML, SVG, CSV or JSON."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from app.actions.checks import record, text, whole
from app.actions.tokens import mask_of
from app.service import Service
from app.views.heatmap import Heatmap, heatmap
from app.views.heatmap_page import page
from app.views.heatmap_picture import picture
from app.views.heatmap_table import comma_table, json_record
from tokenunlearn.errors import InputError, SettingError, did_you_mean

FORMATS: Final[Mapping[str, tuple[Callable[[Heatmap], str], str]]] = MappingProxyType(
    {
        "html": (page, "text/html"),
        "svg": (picture, "image/svg+xml"),
        "csv": (comma_table, "text/csv"),
        "json": (json_record, "application/json"),
    }
)


def export_heatmap(service: Service, question: Any) -> dict[str, str]:
    """Return the file `{filename, text, mime}` of a draft with `format`, `signal` and `row` (None: all rows).

    Also of a recorded example, which says so. Raises InputError, SettingError, MaskError.
    """
    values = record(question, "the question")
    form = text(values, "format")
    if form not in FORMATS:
        raise SettingError(f"There is no export as {form[:20]!r}", fix=did_you_mean(form, FORMATS))
    shown, name, mask = mask_of(service, values)
    row = None
    if values.get("row") is not None:
        row = whole(values, "row", len(shown.payload["rows"]))
        if shown.payload["rows"][row]["set"] != name:
            raise InputError(f"Row {row} is not in the set {name!r}", fix="Reload the page")
    write, mime = FORMATS[form]
    made = write(heatmap(shown, name, mask, text(values, "signal"), row))
    part = f"row-{row + 1}" if row is not None else "all"
    safe = "".join(each if each.isascii() and each.isalnum() else "-" for each in name) or "rows"
    return {"filename": f"heatmap-{safe}-{part}-{mask.hash[:8]}.{form}", "text": made, "mime": mime}
