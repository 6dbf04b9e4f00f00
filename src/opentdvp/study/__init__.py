"""What a whole configuration yields: tables of all runs and comparisons, figures, verification."""

from opentdvp.study.comparisons import finished, overview
from opentdvp.study.costs import costs, figure_costs
from opentdvp.study.methods import panels
from opentdvp.study.misses import last_words, sentence, sentences, verdict, verdicts
from opentdvp.study.plotted_curves import closeness, published
from opentdvp.study.whereabouts import whereabouts

__all__ = [
    "closeness",
    "costs",
    "figure_costs",
    "finished",
    "last_words",
    "overview",
    "panels",
    "published",
    "sentence",
    "sentences",
    "verdict",
    "verdicts",
    "whereabouts",
]
