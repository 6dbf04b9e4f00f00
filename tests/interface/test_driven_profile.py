"""Profile and current of a chain driven at its ends, by all solvers that give them and QuTiP."""

import numpy as np
import pytest
import qutip

import opentdvp as od

N, DELTA = 6, 0.5


@pytest.fixture(scope="module")
def chain():
    """The XXZ chain of six spins, from the state without any order."""
    jumps = [od.Jump("sigma_plus", 1.0, sites=[0]), od.Jump("sigma_minus", 1.0, sites=[N - 1])]
    return od.System.chain(
        N,
        periodic=False,
        couplings={"XX": 0.5, "YY": 0.5, "ZZ": 0.5 * DELTA},
        jumps=jumps,
        start={"Z": 0},
        stop=3.0,
        points=31,
        observables={"profiles": ["Z"], "currents": ["Z"]},
    )


@pytest.fixture(scope="module")
def truth(chain):
    """Z of every site and 2<X_i Y_j - Y_i X_j> J of every bond, by QuTiP alone."""

    def on(site, operator):
        return qutip.tensor([operator if k == site else qutip.qeye(2) for k in range(N)])

    def pair(i, a, b):
        return on(i, a) * on(i + 1, b)

    x, y, z = qutip.sigmax(), qutip.sigmay(), qutip.sigmaz()
    bonds = range(N - 1)
    terms = (0.5 * (pair(i, x, x) + pair(i, y, y) + DELTA * pair(i, z, z)) for i in bonds)
    up, down = on(0, (x + 1j * y) / 2), on(N - 1, (x - 1j * y) / 2)
    measured = [on(i, z) for i in range(N)] + [pair(i, x, y) - pair(i, y, x) for i in bonds]
    start = qutip.tensor([qutip.qeye(2) / 2] * N)
    tight = {"rtol": 1e-9, "atol": 1e-11}
    times = np.linspace(0, 3, 31)
    found = qutip.mesolve(sum(terms), start, times, [up, down], e_ops=measured, options=tight)
    values = np.array(found.expect).T
    return values[:, :N], values[:, N:]


ENUMERATION = {
    "network": {"kind": "jastrow", "weight": 4, "range": 6, "pair_range": 6},
    "sampling": {"kind": "enumeration"},
    "precision": "double",
    "integrator": {"fisher_tolerance": 1e-3},
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("solver", "profile", "current"),
    [
        (od.Exact.preset("accurate"), 1e-6, 1e-6),
        (od.ExactReduced.preset("accurate"), 1e-6, 1e-6),
        (od.Moments.preset("accurate", weight=6, range=6), 1e-5, 1e-5),
        (od.Mpo.preset("accurate"), 1e-4, 1e-4),
        # Strings of up to four of the six sites: 0.013 and 0.026 from the truth.
        (od.Tdvp.preset("quick", **ENUMERATION), 0.02, 0.03),
    ],
    ids=["exact", "exact_reduced", "moments", "mpo", "tdvp"],
)
def test_profile_and_current_are_those_of_qutip(chain, truth, solver, profile, current):
    found = od.solve(chain, solver, progress=False).to_xarray()
    for name, known, allowed in (("Z_i", truth[0], profile), ("J_Z", truth[1], current)):
        difference = np.abs(found[name].values - known).max()
        print(name, difference)
        errors = np.max(found[f"{name}_stderr"].values)
        assert difference < allowed + errors
        assert np.ptp(known) > 0.3
