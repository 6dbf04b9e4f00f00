import pytest
import yaml
from pipeline import TINY

from opentdvp import config
from opentdvp.errors import ConfigError

SCAN = {
    "candidate": {"system": "ring_3", "solver": "tdvp"},
    "reference": {"system": "ring_3", "solver": "exact"},
    "tolerance": {"magnetization": 0.1, "correlators": 0.2},
    "vary": {"seed": {"s1": 1, "s2": 2}, "network.width": {"w4": 4, "w6": 6}},
}


@pytest.fixture
def load(tmp_path):
    """Load the tiny preset with a scan."""

    def load(**changes):
        tree = yaml.safe_load(TINY.read_text())
        tree |= {"scans": {"size": SCAN | changes}, "figures": {}}
        path = tmp_path / "config.yaml"
        path.write_text(yaml.safe_dump(tree, sort_keys=False))
        return config.load(path)

    return load


def test_scan_makes_every_combination(load):
    study = load()
    names = ["size_s1_w4", "size_s1_w6", "size_s2_w4", "size_s2_w6"]
    assert list(study.comparisons) == ["ring_3", *names]
    varied = [(study.solvers[name].seed, study.solvers[name].network.width) for name in names]
    assert varied == [(1, 4), (1, 6), (2, 4), (2, 6)]
    assert study.comparisons["size_s2_w6"].candidate.solver == "size_s2_w6"
    # A variation that changes nothing is the same run.
    same = study.solvers["size_s1_w4"]
    assert same == study.solvers["tdvp"]
    run = config.Run(system="ring_3", solver="tdvp")
    varied_run = config.Run(system="ring_3", solver="size_s1_w4")
    assert study.deck(run).run_id == study.deck(varied_run).run_id


def test_scan_in_an_archive_stands_for_its_solvers(tmp_path):
    tree = yaml.safe_load(TINY.read_text())
    tree |= {"scans": {"size": SCAN}, "figures": {}}
    tree["archive"] = {"results": "old", "solvers": ["exact", "size"]}
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(tree, sort_keys=False))
    names = ("size_s1_w4", "size_s1_w6", "size_s2_w4", "size_s2_w6")
    assert config.load(path).archive.solvers == ("exact", *names)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"vary": {"seed": {"s": -1}}}, "`scans.size.vary.seed.s` must be at least 0, but is -1"),
        (
            {"vary": {"network.size": {"w": 4}}},
            "`scans.size.vary.network.size.w` is not a known key",
        ),
        (
            {"vary": {"network": {"w": {"width": 4}}}},
            "`scans.size.vary.network.w.kind` is required",
        ),
        (
            {"vary": {"seed.x": {"w": 4}}},
            "`scans.size.vary.seed.x.w` must be of a key of the solver",
        ),
        (
            {"vary": {"method": {"e": "exact"}}},
            "`scans.size.vary.method.e` must fit the solver, but",
        ),
        ({"vary": {"sampling.solve": {"n": 1000}}}, "solve.n` must be a power of two"),
        ({"vary": {"seed": {"s" * 99: 1}}}, "`scans.size.vary` must make names of at most 100"),
        ({"vary": {}}, "`scans.size.vary` must have at least 1 entry"),
        (
            {"vary": {f"k{n}": {f"v{m}": m for m in range(10)} for n in range(5)}},
            "must make at most 10000 combinations, but makes 100000",
        ),
        ({"vary": {"seed": {"a/b": 1}}}, "vary"),
        ({"vary": {"seed": {}}}, "vary"),
        (
            {"candidate": {"system": "ring_3", "solver": "none"}},
            "`scans.size.candidate.solver` must be one of exact, tdvp, but is none",
        ),
        (
            {"candidate": {"system": "ring_9", "solver": "tdvp"}},
            "`scans.size.candidate.system` must be one of ring_3, but",
        ),
        (
            {"reference": {"system": "ring_3", "solver": "exakt"}},
            r"`scans.size.reference.solver` must be .* \(did you mean exact\?\)",
        ),
    ],
)
def test_impossible_scan_is_refused(load, changes, message):
    with pytest.raises(ConfigError, match=message):
        load(**changes)


@pytest.mark.parametrize("garbage", [None, [], [1], 3, "text"])
@pytest.mark.parametrize("key", ["solvers", "comparisons", "scans", "solvers.tdvp", "scans.size"])
def test_garbage_beside_a_scan_is_named(tmp_path, key, garbage):
    """Scans are written out before anything is known to be what it should."""
    tree = yaml.safe_load(TINY.read_text())
    tree |= {"scans": {"size": SCAN}, "figures": {}}
    *parents, last = key.split(".")
    (tree[parents[0]] if parents else tree)[last] = garbage
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(tree))
    with pytest.raises(ConfigError, match=f"`{key}` must be a mapping"):
        config.load(path)


def test_variations_do_not_share_what_they_replace(load):
    """A key within a mapping that another key replaces."""
    regularization = {"chol": {"method": "cholesky", "shift": 1e-5}}
    shifts = {"a": 1e-6, "b": 1e-7}
    study = load(vary={"regularization": regularization, "regularization.shift": shifts})
    found = [study.solvers[f"size_chol_{label}"].regularization.shift for label in shifts]
    assert found == [1e-6, 1e-7]
    assert study.scans["size"].vary["regularization"]["chol"]["shift"] == 1e-5
