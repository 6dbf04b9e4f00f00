"""Work on long vectors in blocks of rows, shared by threads."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

#: Rows of a block. They are the same for any number of threads, and so are all sums.
ROWS = 2**14


def thread_count() -> int:
    """How many threads to use: `OMP_NUM_THREADS`, which Snakemake sets to those of the rule.

    Without it, or if it is no positive number, one per processor that this process may use.
    """
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdecimal() and int(asked) > 0:
        return int(asked)
    # Linux alone tells how many this process may use.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class RowBlocks:
    """The blocks of some rows, and the threads that work on them."""

    def __init__(self, rows: int) -> None:
        self.slices = [slice(k, min(k + ROWS, rows)) for k in range(0, rows, ROWS)]
        self._workers = ThreadPoolExecutor(thread_count())

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """Results for all items, one per block, in their order."""
        if len(self.slices) == 1:
            return [function(item) for item in items]
        return list(self._workers.map(function, items))
