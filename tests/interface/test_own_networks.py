"""Networks of a notebook: their code, with what it uses, is the text of a file and an identity."""

import linecache
import sys
from types import ModuleType

import pytest

import opentdvp as od
from opentdvp.config import Deck
from opentdvp.config.networks import CustomNetwork
from opentdvp.errors import ConfigError
from opentdvp.interface.own_networks import described, source_of

IMPORTS = """
import jax.numpy as jnp
from flax import linen as nn
import opentdvp as od
from opentdvp.engine.ansatz import EnergyNetwork
from math import sqrt as root
"""
HELPERS = """
SCALE = 1.0
LENGTHS = (1, 2)
unused = object()

def squash(values):
    return SCALE * jnp.tanh(values) / root(4)

class Base(EnergyNetwork):
    reach = 1
"""
NETWORK = """
class Neighbours(Base):
    \"\"\"Reads its neighbours.\"\"\"

    width: int
    scales: tuple = (1.0,)

    @nn.compact
    def __call__(self, letters):
        kernel = (2 * self.reach + 1,) * len(self.shape)
        hidden = squash(nn.Conv(self.width, kernel, padding="VALID")(letters))
        write = nn.Dense(LENGTHS[0], use_bias=False, kernel_init=nn.initializers.zeros)
        return write(hidden)[..., 0]
"""


class Notebook:
    """A module without a file, whose cells are known to `linecache` as those of IPython are."""

    def __init__(self, name):
        self.module = sys.modules[name] = ModuleType(name)
        self.cells = []

    def run(self, text):
        name = f"<cell {len(self.cells)} of {self.module.__name__}>"
        linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
        self.cells.append(name)
        exec(compile(text, name, "exec"), self.module.__dict__)

    def close(self):
        del sys.modules[self.module.__name__]
        for name in self.cells:
            del linecache.cache[name]

    def __getitem__(self, name):
        return vars(self.module)[name]


@pytest.fixture
def notebook():
    made = Notebook("some_notebook")
    for cell in (IMPORTS, HELPERS, NETWORK):
        made.run(cell)
    yield made
    made.close()


def test_the_code_of_a_class_is_a_file_of_its_own(notebook, tmp_path):
    source = source_of(notebook["Neighbours"])
    assert "import jax.numpy as jnp" in source
    assert "SCALE = 1.0" in source
    assert "unused" not in source
    namespace = {"__name__": "elsewhere"}
    sys.modules["elsewhere"] = ModuleType("elsewhere")
    exec(compile(source, "elsewhere", "exec"), namespace)
    del sys.modules["elsewhere"]
    assert namespace["Neighbours"](width=2).width == 2


def test_a_run_is_that_of_a_file_with_the_same_code(notebook, tmp_path):
    """The same deck as one of a configuration that names the file."""
    made = described(notebook["Neighbours"](width=3))
    assert made.options == {"width": 3, "scales": [1.0]}
    (tmp_path / "neighbours.py").write_text(made.source)
    options = {"width": 3, "scales": [1.0]}
    file = str(tmp_path / "neighbours.py")
    written = CustomNetwork(kind="custom", file=file, name="Neighbours", options=options)
    assert written.sha256 == made.sha256
    assert written.model_dump() == made.model_dump()


@pytest.mark.parametrize(
    ("cell", "changes"),
    [
        ("SCALE = 2.0", True),
        ("def squash(values):\n    return jnp.tanh(values)", True),
        ("class Base(EnergyNetwork):\n    reach = 2", True),
        ("from jax.numpy import sqrt as root", True),
        ("unused = 3", False),
        (NETWORK.replace("VALID", "SAME"), True),
        (NETWORK, False),
    ],
)
def test_what_the_code_uses_is_part_of_the_identity(notebook, cell, changes):
    before = described(notebook["Neighbours"](width=3)).sha256
    notebook.run(cell)
    after = described(notebook["Neighbours"](width=3)).sha256
    assert (after != before) == changes


def test_settings_are_part_of_the_identity_and_cannot_be_changed(notebook):
    system = od.System.chain(4, couplings={"ZZ": 1}, start={"Z": 1}, stop=1)
    solvers = [od.Tdvp.preset("quick", network=notebook["Neighbours"](width=w)) for w in (2, 3)]
    ids = {Deck(system=system, solver=solver).run_id for solver in solvers}
    assert len(ids) == 2
    with pytest.raises(TypeError, match="must not be changed"):
        solvers[0].network.options["scales"].append(2)


@pytest.mark.parametrize(
    ("cell", "make", "message"),
    [
        ("SCALE = [1.0]", "Neighbours(width=2)", "but uses SCALE, a list; make it a field"),
        ("", "Neighbours(width=jnp.ones(2))", "`network.width` must be a number, text"),
        ("", "Neighbours", "must be a mapping, or an instance of a subclass"),
        ("", "3", "EnergyNetwork, but is int"),
    ],
)
def test_what_has_no_identity_is_refused(notebook, cell, make, message):
    notebook.run(cell)
    with pytest.raises(ConfigError) as raised:
        od.Tdvp.preset("quick", network=eval(make, notebook.module.__dict__))
    assert message in str(raised.value)


def test_code_that_cannot_be_read_is_refused(notebook):
    exec(NETWORK, notebook.module.__dict__)
    with pytest.raises(ConfigError, match="defined where its code can be read"):
        described(notebook["Neighbours"](width=2))


def test_a_module_with_a_file_is_known_by_its_file(tmp_path, monkeypatch):
    """As in a configuration, so that it is the same run."""
    (tmp_path / "my_networks.py").write_text(IMPORTS + HELPERS + NETWORK)
    monkeypatch.syspath_prepend(tmp_path)
    import my_networks

    made = described(my_networks.Neighbours(width=2))
    assert made.file == str(tmp_path / "my_networks.py")
    del sys.modules["my_networks"]


def test_a_network_of_a_notebook_is_solved_as_that_of_its_file(notebook, tmp_path):
    """One short run each; the code stands beside the result."""
    system = od.System.chain(
        3, fields={"X": 1}, start={"Z": 1}, times=[0.02], observables={"magnetization": ["Z"]}
    )
    chosen = {"sampling": {"kind": "enumeration"}, "precision": "double"}
    solver = od.Tdvp.preset("quick", network=notebook["Neighbours"](width=1), **chosen)
    solved = od.solve(system, solver, out=tmp_path / "run.h5", progress=False)
    code = tmp_path / "run.network.py"
    network = {"kind": "custom", "file": str(code), "name": "Neighbours", "options": {}}
    network["options"] = {"width": 1, "scales": [1.0]}
    again = od.solve(system, od.Tdvp.preset("quick", network=network, **chosen), progress=False)
    assert again.run_id == solved.run_id
    assert again["Z"][0] == pytest.approx(solved["Z"][0], abs=1e-14)
    assert od.read(tmp_path / "run.h5").solver.network.sha256 == solver.network.sha256
