"""What is left of a chain of tensors when operators on it have been passed, from left to right.

An environment is a vector for Pauli expectation values, a matrix for amplitudes, where it also
holds <ψ|.
"""

from typing import Protocol, runtime_checkable

import numpy as np

from opentdvp.references.tensors.evolution import Tensors
from opentdvp.references.tensors.space import Chain


def build_environments(chain: Chain, tensors: Tensors) -> "Environments":
    """Those of the kind of the chain."""
    if chain.space.pure:
        return _AmplitudeEnvironments(tensors)
    return _PauliEnvironments(chain, tensors)


@runtime_checkable
class Environments(Protocol):
    """Stacks of environments, the first axis counting them."""

    trace: float

    def start(self, tensor: int) -> np.ndarray:
        """The one at the left of a tensor without any operators."""

    def advance(self, stack: np.ndarray, tensor: int, functional: np.ndarray) -> np.ndarray:
        """Those at the right of a tensor with these operators on it."""

    def close(self, stack: np.ndarray, tensor: int, functional: np.ndarray) -> np.ndarray:
        """Values if nothing follows behind this tensor."""


class _PauliEnvironments:
    """Vectors on the bond; identities everywhere give the trace."""

    def __init__(self, chain: Chain, tensors: Tensors) -> None:
        self._tensors = list(tensors.tensors)
        numbers = range(len(self._tensors))
        steps = [self._step(k, chain.functional(k, {})) for k in numbers]
        left = right = np.ones(1)
        self.trace = tensors.norm
        if chain.layout.infinite:
            left, right, eigenvalue = _dominant(steps[0] @ steps[1])
            self.trace *= eigenvalue
            # One cell then has the eigenvalue 1.
            self._tensors[0] = self._tensors[0] / eigenvalue
            steps[0] = steps[0] / eigenvalue
        self._lefts = [left]
        for step in steps:
            self._lefts.append(self._lefts[-1] @ step)
        whole = float(self._lefts[-1] @ right)
        self.trace *= 1.0 if chain.layout.infinite else whole
        self._rights = [right / whole]
        for step in steps[:0:-1]:
            self._rights.insert(0, step @ self._rights[0])

    def start(self, tensor: int) -> np.ndarray:
        return self._lefts[tensor][None]

    def advance(self, stack: np.ndarray, tensor: int, functional: np.ndarray) -> np.ndarray:
        return stack @ self._step(tensor, functional)

    def close(self, stack: np.ndarray, tensor: int, functional: np.ndarray) -> np.ndarray:
        return self.advance(stack, tensor, functional) @ self._rights[tensor]

    def _step(self, tensor: int, functional: np.ndarray) -> np.ndarray:
        return np.einsum("apb,p->ab", self._tensors[tensor], functional)


class _AmplitudeEnvironments:
    """Matrices (bra bond, ket bond); in right-canonical form nothing is needed from behind."""

    def __init__(self, tensors: Tensors) -> None:
        self._tensors = tensors.tensors
        self._values = tensors.values
        self.trace = tensors.norm**2

    def start(self, tensor: int) -> np.ndarray:
        return np.diag(self._values[tensor].astype(complex) ** 2)[None]

    def advance(self, stack: np.ndarray, tensor: int, functional: np.ndarray) -> np.ndarray:
        ket = self._applied(tensor, functional)
        left, states, right = ket.shape
        passed = (stack @ ket.reshape(left, -1)).reshape(-1, left * states, right)
        return self._tensors[tensor].reshape(left * states, right).conj().T @ passed

    def close(self, stack: np.ndarray, tensor: int, functional: np.ndarray) -> np.ndarray:
        ket, bra = self._applied(tensor, functional), self._tensors[tensor].conj()
        behind = bra.reshape(len(bra), -1) @ ket.reshape(len(ket), -1).T
        return np.einsum("nab,ab->n", stack, behind).real

    def _applied(self, tensor: int, functional: np.ndarray) -> np.ndarray:
        return np.einsum("qp,apb->aqb", functional, self._tensors[tensor])


def _dominant(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Left and right eigenvectors of the eigenvalue of largest size, which is real."""
    right_values, rights = np.linalg.eig(matrix)
    left_values, lefts = np.linalg.eig(matrix.T)
    chosen = np.argmax(np.abs(right_values))
    left, right = lefts[:, np.argmax(np.abs(left_values))], rights[:, chosen]
    return left.real, right.real, float(right_values[chosen].real)
