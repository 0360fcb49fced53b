"""Asks actions as the page does: with JSON, which becomes the request that the action takes."""

from collections.abc import Callable
from functools import partial
from typing import Any

from app.actions import unlearn
from app.requests import read, request_of
from app.service import Service


def ask(action: Callable[..., Any], service: Service, data: Any) -> Any:
    """What the action answers."""
    kind = request_of(partial(action, service))
    assert kind is not None
    return action(service, read(kind, data))


def start(service: Service, plan: Any, settings: Any, controls: Any) -> list[str]:
    """The ids of the runs that a plan starts."""
    return ask(unlearn.start, service, {"plan": plan, "settings": settings, "controls": controls})
