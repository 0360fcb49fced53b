"""A setting becomes its control: choices a radio group, bounds a slider or number, bool a checkbox."""

from collections.abc import Mapping
from typing import Any

import gradio as gr

from app.words import setting_label
from tokenunlearn.settings import SettingInfo

MOST_RADIO_CHOICES = 5
MOST_SLIDER_STOPS = 200


def control(info: SettingInfo, labels: Mapping[str, str] | None = None) -> Any:
    """Return the Gradio component of one setting, with its default, bounds, unit and help.

    `labels` gives choices another name.
    """
    unit = f", {info.unit}" if info.unit and info.unit != info.name else ""
    shared = {"label": setting_label(info) + unit, "info": info.help, "value": info.default}
    if info.type == "bool":
        return gr.Checkbox(**shared)
    if info.choices is not None:
        few = len(info.choices) <= MOST_RADIO_CHOICES
        return (gr.Radio if few else gr.Dropdown)(
            choices=[((labels or {}).get(each, each), each) for each in info.choices], **shared
        )
    if info.type in ("int", "float"):
        return _number(info, shared)
    return gr.Textbox(**shared)


def _number(info: SettingInfo, shared: dict[str, Any]) -> Any:
    """Return a slider where the whole range is worth dragging over, else a number.

    The number carries no bounds: Gradio would refuse it with a sentence that does not name the setting,
    and round 2.5 where a whole number is due. What comes is checked by the setting itself, at the start.
    """
    bounded = info.low is not None and info.high is not None and info.step
    if bounded and (info.high - info.low) / info.step <= MOST_SLIDER_STOPS:  # type: ignore[operator]
        return gr.Slider(info.low, info.high, step=info.step, **shared)  # type: ignore[arg-type]
    return gr.Number(step=info.step or 1, **shared)
