"""Import Gradio without its upkeep of stub files, which takes more than half of the import.

For each component class that is defined, Gradio parses its source and the stub file (.pyi, for editors)
beside it, and writes the stub again where they differ. The stubs come with the package, so only time is lost:
2.3 of 4.0 seconds of processor at each start.
"""

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

UPKEEP = "gradio.component_meta"


def leave_stubs_alone() -> None:
    """Take the upkeep out of Gradio when it is imported; without effect once it has been."""
    if UPKEEP not in sys.modules:
        sys.meta_path.insert(0, _WithoutUpkeep())


class _WithoutUpkeep:
    """Finds the module that looks after the stubs, once."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of that module, with nothing where it writes stubs; None for other modules."""
        if fullname != UPKEEP:
            return None
        sys.meta_path.remove(self)
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            module.create_or_modify_pyi = lambda *_: None  # type: ignore[attr-defined]

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec
