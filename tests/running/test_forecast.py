"""What runs are expected to take: how many steps, and how the time of all of it is found."""

import pytest
from solvers import exact, jastrow, moments, quiet, tensor_network, wave_functions
from systems import confinement_ring, heisenberg_ring

from opentdvp.config import Deck
from opentdvp.engine.evolve import evolve
from opentdvp.engine.small_copies import StepCount, expected_steps
from opentdvp.errors import ConfigError
from opentdvp.running import forecast

BOGACKI = {"method": "bogacki_shampine", "samples": "fixed"}


@pytest.mark.parametrize(
    ("system", "longest"),
    [
        (heisenberg_ring(6, time={"stop": 2.0, "points": 5}), 0.1),
        # Nearly all steps are as long as their error allows.
        (heisenberg_ring(6, time={"stop": 2.0, "points": 5}), 1.0),
        (confinement_ring(6, time={"stop": 6.0, "points": 5}), 0.5),
    ],
)
def test_a_small_copy_takes_about_as_many_steps(system, longest):
    solver = jastrow(3, 4, 4, maximal_step=longest, fisher_tolerance=2e-3, **BOGACKI)
    deck = Deck(system=system, solver=solver)
    steps = len(evolve(deck, quiet).diagnostics["step_size"])
    expected = expected_steps(deck)
    assert steps / 1.5 < expected.steps < steps * 1.5
    assert expected.evaluations >= 4 * expected.steps


def test_more_sites_take_as_many_steps_with_the_tolerance_of_their_number():
    """The copy is the same, with a tolerance that is smaller by the root of the number."""
    solver = jastrow(2, 3, 3, maximal_step=1.0, **BOGACKI)
    short = {"time": {"stop": 1.0, "points": 2}}
    few, many = (
        expected_steps(Deck(system=heisenberg_ring(n, **short), solver=solver)) for n in (16, 64)
    )
    tighter = solver.model_copy(
        update={"integrator": solver.integrator.model_copy(update={"fisher_tolerance": 5e-4})}
    )
    assert many == expected_steps(Deck(system=heisenberg_ring(16, **short), solver=tighter))
    assert many.steps > few.steps


def test_a_system_that_needs_all_its_sites_has_steps_by_the_longest_one():
    system = heisenberg_ring(6, fields={"Z": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]})
    deck = Deck(system=system, solver=jastrow(2, 3, 3, maximal_step=0.1, **BOGACKI))
    assert expected_steps(deck) == StepCount(17, 4 * 17)


def test_the_time_of_a_run_follows_from_its_beginning(monkeypatch):
    """Three seconds of set-up, then a rate: of the last of 9 units after 3 + 4 · 9 seconds."""
    now = [100.0]
    monkeypatch.setattr(forecast, "monotonic", lambda: now[0])
    clock = forecast._Clock()
    for reached, seconds in ((0.0, 3.0), (1.0, 7.0)):
        now[0] = 100.0 + seconds
        clock(reached)
    now[0] = 111.0
    with pytest.raises(forecast._Enough):
        clock(2.0)
    assert clock.whole(9.0) == pytest.approx(39.0)


@pytest.mark.slow
def test_every_kind_of_solver_has_an_estimate():
    system = heisenberg_ring(4, time={"stop": 1.0, "points": 5})
    solvers = {
        "tdvp": jastrow(2, 3, 3, maximal_step=0.1, **BOGACKI),
        "exact": exact(),
        "moments": moments(3, 3),
        "mpo": tensor_network(bond_dimension=8, time_step=0.05),
        "mcwf": wave_functions(4, 2),
    }
    decks = {name: Deck(system=system, solver=solver) for name, solver in solvers.items()}
    found = dict(zip(decks, forecast.forecasts(decks.values()), strict=True))
    assert found["tdvp"].steps == expected_steps(decks["tdvp"]).steps
    # Of the finest evolution: four intervals of 0.25, each of whole steps of at most 0.05.
    assert found["mpo"].steps == 24
    assert found["exact"].steps is None
    for name, estimate in found.items():
        assert estimate.seconds > 0, name
        assert 50 < estimate.memory < 5000, name


def test_what_does_not_fit_is_said_as_for_a_run():
    """Errors come out of the other process as they are."""
    deck = Deck(system=heisenberg_ring(12), solver=exact())
    with pytest.raises(ConfigError, match="must give at most 10 sites"):
        next(forecast.forecasts([deck]))
