"""While the page loads no garbage is collected; afterwards it is, but not among what was loaded."""

import gc
import weakref

import pytest

from app.__main__ import loading


class Node:
    """Garbage that only the collector finds: it holds itself."""

    def __init__(self) -> None:
        self.itself = self


def test_garbage_is_collected_only_after_loading() -> None:
    already = gc.get_freeze_count()
    try:
        with loading():
            assert not gc.isenabled()
            loaded = Node()
        assert gc.isenabled() and gc.get_freeze_count() > already
        later = weakref.ref(Node())
        kept = weakref.ref(loaded)
        del loaded
        gc.collect()
        assert later() is None and kept() is not None
    finally:
        gc.unfreeze()


def test_a_start_that_is_refused_leaves_the_collector_on() -> None:
    try:
        with pytest.raises(ValueError, match="refused"), loading():
            raise ValueError("refused")
        assert gc.isenabled()
    finally:
        gc.unfreeze()
