"""The one door to the page's functions: what comes in is read once, what goes wrong goes back as a sentence.

Everything that a browser or a client may call passes here: server functions, events, public endpoints.
"""

import logging
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import gradio as gr

from app.requests import read, request_of
from tokenunlearn.errors import InputError, TokenUnlearnError
from tokenunlearn.runs.disk import disk_fault

LOG = logging.getLogger(__name__)


def read_once(value: Any) -> Any:
    """Return the JSON value. Raises InputError for text with half a character, which nothing could store."""
    if isinstance(value, str):
        if not value.isascii() and any("\ud800" <= each <= "\udfff" for each in value):
            raise InputError(
                "The text holds half a character",
                "Of a surrogate pair only one part has come, and no file can hold that",
                "Type it again",
            )
    elif isinstance(value, Mapping):
        for name, each in value.items():
            read_once(name)
            read_once(each)
    elif isinstance(value, list):
        for each in value:
            read_once(each)
    return value


def sentence(error: Exception) -> str:
    """Return what to tell of an error; an unexpected one is told by its kind and written to the log."""
    if isinstance(error, TokenUnlearnError):
        return str(error).encode("utf-8", "replace").decode()
    LOG.error("An action of the page failed", exc_info=error)
    if isinstance(error, OSError):
        why = disk_fault(error) or f"The server could not read or write a file: {error.strerror or error}"
        return f"{why}. What you see is kept."
    return f"The server failed unexpectedly: {type(error).__name__}. Its log says more."


def answering(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Return the server function of this name, which the page asks with a request or with nothing.

    Errors are answered as `{error: sentence}`: Gradio drops the text of a refusal.
    """
    kind = request_of(function)

    def call(data: Any = None) -> Any:
        try:
            return function() if kind is None else function(read(kind, read_once(data)))
        except Exception as error:
            return {"error": sentence(error)}

    call.__name__ = name
    return call


def hearing(function: Callable[[Any], Any]) -> Callable[..., Any]:
    """Return the event that hands the function the request which the page sent with it."""
    kind = request_of(function)
    assert kind is not None

    def call(event: gr.EventData) -> Any:
        return function(read(kind, event._data))

    return refusing(call)


def refusing(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the event or endpoint with errors as gr.Error, whose text is shown without a traceback."""

    @wraps(function)
    def call(*given: Any, **named: Any) -> Any:
        try:
            for each in (*given, *named.values()):
                read_once(each._data if isinstance(each, gr.EventData) else each)
            return function(*given, **named)
        except gr.Error:
            raise
        except Exception as error:
            raise gr.Error(sentence(error), print_exception=False) from error

    return call
