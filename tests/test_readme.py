import re
import shutil
from pathlib import Path

from opentdvp import config, solve

ROOT = Path(__file__).parents[1]


def test_example_of_an_own_system_is_valid(tmp_path):
    example = re.search(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    shutil.copytree(ROOT / "config", tmp_path / "config")
    (tmp_path / "mine.yaml").write_text(example[1])
    study = config.load(tmp_path / "mine.yaml")
    comparison = study.comparisons["dephased_ising_5"]
    for run in (comparison.candidate, comparison.reference):
        deck = study.deck(run)
        solve.check(deck.system, deck.solver)


def test_figure_is_there():
    assert (ROOT / "docs" / "fig2ab.png").exists()
