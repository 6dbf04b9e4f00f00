"""Where compiled functions are kept, and that a run without such a folder still runs."""

import os

import jax
import pytest

from opentdvp.engine.compilation_cache import VARIABLE, keep_compiled


@pytest.fixture
def settings(monkeypatch):
    """What JAX is told, by name."""
    told = {}
    monkeypatch.setattr(jax.config, "update", told.__setitem__)
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.delenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", raising=False)
    return told


def test_compiled_functions_are_kept_among_the_users_caches(settings, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    keep_compiled()
    folder = settings["jax_compilation_cache_dir"]
    assert folder.startswith(str(tmp_path / "opentdvp" / "jax"))
    assert os.stat(folder).st_mode & 0o77 == 0


def test_the_variable_of_jax_chooses_the_folder(settings, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv(VARIABLE, str(tmp_path / "elsewhere"))
    keep_compiled()
    assert "jax_compilation_cache_dir" not in settings
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_a_warning(settings, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.warns(RuntimeWarning, match=f"Cannot write .*; set {VARIABLE} to a folder"):
        keep_compiled()
    assert settings == {}
