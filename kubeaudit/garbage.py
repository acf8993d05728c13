"""The cyclic garbage collector, held back where many objects are made that all stay."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collection_paused(*, freeze: bool = False) -> Iterator[None]:
    """Nothing is collected inside: the collector would go through all that was made so far, again and again.

    ``freeze`` leaves what lives at the end out of every later collection. It is for what stays until the process ends;
    cycles among it are never found. Reentrant; where the collector is off already, nothing changes.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
            if freeze:
                gc.freeze()
