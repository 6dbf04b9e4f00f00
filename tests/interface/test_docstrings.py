"""The examples in the docstrings of everything public run, and are there."""

import doctest
import importlib
import inspect
import pkgutil

import pytest

import opentdvp
from opentdvp import interface

MODULES = [module.name for module in pkgutil.iter_modules(interface.__path__)]
#: Made by functions that have examples; and base classes, whose examples are docs/own_network.md.
WITHOUT = {"Comparison", "Study", "Autoregressive", "EnergyNetwork"}


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(f"opentdvp.interface.{name}")
    flags = doctest.IGNORE_EXCEPTION_DETAIL | doctest.ELLIPSIS
    found = doctest.testmod(module, optionflags=flags)
    assert found.failed == 0


@pytest.mark.parametrize("name", sorted(set(opentdvp.__all__) - WITHOUT))
def test_everything_public_has_an_example(name):
    public = getattr(opentdvp, name)
    documented = [public]
    if name == "System":
        documented += [value for key, value in vars(public).items() if key in ("chain", "graph")]
    assert all(">>> import opentdvp as od" in inspect.getdoc(entry) for entry in documented)
