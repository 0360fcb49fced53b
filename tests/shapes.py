"""Which functions the tests check the shapes of: those that say one, as in `Float[Tensor, "batch tokens"]`.

jaxtyping would wrap every function of the tensor modules: a fifth of the processor's time of a test of
training, for types that mypy has checked already.
"""

from collections.abc import Callable
from typing import Any, get_args

import jaxtyping


def shaped(annotated: Any) -> bool:
    """Whether an annotation of the function or class names a shape."""
    return any(map(_names_a_shape, getattr(annotated, "__annotations__", {}).values()))


def _names_a_shape(annotation: Any) -> bool:
    own = isinstance(annotation, type) and issubclass(annotation, jaxtyping.AbstractArray)
    # The arguments of a Callable come as a list.
    parts = annotation if isinstance(annotation, list) else get_args(annotation)
    return own or any(map(_names_a_shape, parts))


def check_shaped_only() -> None:
    """Let jaxtyping's import hook wrap what is shaped, and leave all else as it is."""
    jaxtyped = jaxtyping.jaxtyped

    def checked(*, typechecker: Any) -> Callable[[Any], Any]:
        wrap = jaxtyped(typechecker=typechecker)
        return lambda annotated: wrap(annotated) if shaped(annotated) else annotated

    jaxtyping.jaxtyped = checked
