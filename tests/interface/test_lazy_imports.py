"""Importing the package loads no solver and changes nothing; JAX has its 64-bit flag once used."""

import json
import os
import subprocess
import sys

import pytest

import opentdvp

HEAVY = ("jax", "flax", "qutip", "tenpy", "matplotlib", "h5py", "pandas")

#: What a process has that others could notice.
STATE = """
import json, os, signal, sys, warnings
def state():
    handlers = [str(signal.getsignal(n)) for n in (signal.SIGINT, signal.SIGTERM)]
    return [handlers, len(warnings.filters), dict(os.environ), sys.path, os.getcwd()]
"""

#: All settings of JAX.
SETTINGS = """
import jax
def settings():
    return {name: str(value) for name, value in jax.config.values.items()}
"""


def said(code):
    """What a fresh process says, as JSON."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("JAX_")}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def test_importing_the_package_loads_nothing_and_changes_nothing():
    code = f"""{STATE}
earlier = state()
import opentdvp
print(json.dumps([sorted(set({HEAVY!r}) & set(sys.modules)), earlier == state()]))
"""
    assert said(code) == [[], True]


def test_describing_a_run_loads_no_solver():
    code = f"""{STATE}
import opentdvp as od
system = od.System.chain(3, couplings={{"ZZ": 1}}, start={{"Z": 1}}, stop=1)
od.Tdvp.preset("quick"), od.Exact(), od.solve, od.plot, od.read, od.load, od.compare
print(json.dumps(sorted({{"jax", "flax", "qutip", "tenpy"}} & set(sys.modules))))
"""
    assert said(code) == []


def test_a_network_changes_the_64_bit_flag_of_jax_alone(tmp_path):
    """Its cache of compiled functions is that of the run."""
    code = f"""
import json, os
os.environ["XDG_CACHE_HOME"] = {str(tmp_path)!r}
os.environ["XLA_FLAGS"] = "--xla_backend_optimization_level=0"
{SETTINGS}
earlier = settings()
import opentdvp as od
network = {{"kind": "jastrow", "weight": 1, "range": 1, "pair_range": 1}}
solver = od.Tdvp.preset("quick", network=network, sampling={{"kind": "enumeration"}})
system = od.System.chain(3, fields={{"X": 1}}, start={{"Z": 1}}, times=[0.01])
od.solve(system, solver, progress=False)
print(json.dumps(sorted(k for k, v in settings().items() if v != earlier[k])))
"""
    assert said(code) == ["jax_enable_x64"]
    assert list(tmp_path.glob("opentdvp/jax/*/*")), "what was compiled is not kept"


def test_names_are_offered_and_others_are_errors():
    assert set(opentdvp.__all__) <= set(dir(opentdvp))
    with pytest.raises(AttributeError, match="no attribute 'solv'"):
        opentdvp.solv  # noqa: B018
