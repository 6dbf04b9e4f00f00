"""Remedies of result codes."""

import re

import pytest
from solvers import exact, kicks, reduced, tdvp, tensor_network, wave_functions

from opentdvp.config import Solver
from opentdvp.records.result_code import ResultCode

SOLVERS = [exact(), reduced(), wave_functions(), kicks(), tensor_network(), tdvp()]


@pytest.mark.parametrize("solver", SOLVERS, ids=lambda solver: solver.method)
def test_remedies_name_keys_that_the_solver_has(solver: Solver) -> None:
    """Of those that it can end with."""
    codes = set(ResultCode)
    # Explicit steps that shrink are those of networks; the others fail as integrators.
    codes -= (
        {ResultCode.INTEGRATOR_FAILURE}
        if solver.method in ("tdvp", "dephasing_kicks")
        else {ResultCode.STEP_SIZE_COLLAPSE}
    )
    if solver.method not in ("exact", "tdvp"):
        codes -= {ResultCode.PROBABILITY_DRIFT}
    if solver.method != "tdvp":
        codes -= {ResultCode.NOT_EQUILIBRATED}
    for code in codes:
        for key in re.findall(r"\w+_\w+", code.remedy(solver.method)):
            assert f'"{key}"' in solver.model_dump_json()
