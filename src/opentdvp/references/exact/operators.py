"""The operators of a model for QuTiP: Hamiltonian, jumps, with drives or without; the start."""

from collections.abc import Mapping

import numpy as np
import qutip

from opentdvp.config.strengths import Drive
from opentdvp.physics.model import Jump, Model
from opentdvp.physics.spin import PAULI, spin_state


def hamiltonian(model: Model) -> qutip.Qobj:
    """H as a sparse operator."""
    total = qutip.qzero([2] * model.n_sites, dtype="CSR")
    for term in model.terms:
        factors = (PAULI[letter] for letter in term.operators)
        total += term.strength * _place(dict(zip(term.sites, factors, strict=True)), model.n_sites)
    return total


def collapse_operators(model: Model) -> list[qutip.Qobj]:
    """√γ L of every jump, as sparse operators."""
    return [np.sqrt(jump.rate) * _jump_operator(jump, model.n_sites) for jump in model.jumps]


def driven_operators(model: Model) -> tuple[qutip.QobjEvo, list[qutip.QobjEvo]]:
    """H(t), and √(γf(t)) L of every jump with the drive f."""
    total, jumps = qutip.QobjEvo(qutip.qzero([2] * model.n_sites, dtype="CSR")), []
    for drive, part in model.parts():
        total += _driven(hamiltonian(part), drive)
        jumps += [_driven(operator, drive, 0.5) for operator in collapse_operators(part)]
    return total, jumps


def _driven(operator: qutip.Qobj, drive: Drive | None, power: float = 1.0) -> qutip.QobjEvo:
    """An operator times a power of a drive."""
    if drive is None:
        return qutip.QobjEvo(operator)
    # Rounding may make a rate less than 0.
    least = 0.0 if power < 1 else -np.inf
    return qutip.QobjEvo([[operator, lambda t: max(drive(t), least) ** power]])


def start_state(model: Model) -> qutip.Qobj:
    """The product of all spins (1 + r·σ)/2, as a dense density matrix."""
    return qutip.tensor([qutip.Qobj(spin_state(vector)) for vector in model.bloch]).to("Dense")


def _jump_operator(jump: Jump, n_sites: int) -> qutip.Qobj:
    """Σ_m L_m of all parts of a jump."""
    total = qutip.qzero([2] * n_sites, dtype="CSR")
    for matrix, sites in zip(jump.matrices, jump.sites, strict=True):
        dims = [[2] * len(sites)] * 2
        total += qutip.expand_operator(
            qutip.Qobj(matrix, dims=dims), [2] * n_sites, list(sites)
        ).to("CSR")
    return total


def _place(operators: Mapping[int, np.ndarray], n_sites: int) -> qutip.Qobj:
    """One-site operators on their sites, identities elsewhere; site 0 is the leftmost factor."""
    factors = [qutip.Qobj(operators.get(site, PAULI["I"])).to("CSR") for site in range(n_sites)]
    return qutip.tensor(factors)
