"""Memory that a run frees stays with it, so that large arrays do not get fresh pages each time."""

import resource
import subprocess
import sys

import pytest

#: Prints how many pages the system gives for ten pieces of 64 MiB that are freed one by one.
PAGES = """
import resource
from opentdvp.records.memory import give_back_large_pieces, keep_freed_memory

def pages():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

size = 2**26
def use(times):
    before = pages()
    for _ in range(times):
        b"x" * size
    return pages() - before

if {keep}:
    assert keep_freed_memory()
if {give_back}:
    assert give_back_large_pieces()
use(1)
print(use(10))
"""


#: Pages of ten such pieces.
ALL = 10 * 2**26 / resource.getpagesize()


def fresh_pages(keep, give_back=False):
    code = PAGES.format(keep=keep, give_back=give_back)
    done = subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE)
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="only the GNU C library can be told")
def test_freed_memory_is_used_again():
    assert fresh_pages(keep=True) < 100
    assert fresh_pages(keep=False) > ALL


@pytest.mark.skipif(sys.platform != "linux", reason="only the GNU C library can be told")
def test_large_pieces_are_given_back_where_much_is_needed():
    assert fresh_pages(keep=True, give_back=True) > ALL
