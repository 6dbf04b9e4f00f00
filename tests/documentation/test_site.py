"""The site, built as `make docs` does, in a browser."""

import os
import re
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pages import ROOT
from selenium.webdriver.common.by import By

pytestmark = pytest.mark.slow

MKDOCS = ROOT / ".venv-docs" / "bin" / "mkdocs"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    if not MKDOCS.exists():
        pytest.skip("needs MkDocs (make .venv-docs/.ready)")
    folder = tmp_path_factory.mktemp("site")
    paths = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    given = os.environ | {"PATH": paths, "NO_MKDOCS_2_WARNING": "1"}
    told = [MKDOCS, "build", "--strict", "--site-dir", folder]
    done = subprocess.run(told, cwd=ROOT, env=given, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return folder


@pytest.fixture(scope="module")
def served(site):
    """The address of the site on this machine: from files, a browser runs no search."""
    handler = partial(SimpleHTTPRequestHandler, directory=site)
    with ThreadingHTTPServer(("localhost", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()


def test_every_page_of_the_repository_is_in_the_site(site):
    pages = {path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md")}
    for page in pages:
        name = "index.html" if page.stem == "README" else f"{page.stem}.html"
        assert (site / page.parent / name).is_file(), page


def test_notebooks_are_pages_with_what_they_drew(site):
    notebooks = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
    assert len(notebooks) == 6
    for path in notebooks:
        page = (site / "notebooks" / f"{path.stem}.html").read_text()
        assert f'href="{path.name}"' in page
        drawn = re.findall(r'src="([^"]+_output_[^"]+\.png)"', page)
        assert len(drawn) == path.read_text().count('"image/png"'), path
        assert all((site / "notebooks" / name).is_file() for name in drawn)


def test_references_are_made_from_what_is_there(site):
    keys = (site / "reference" / "configuration.html").read_text()
    assert all(f'id="{kind}"' in keys for kind in ("system", "tdvpsolver", "momentssolver"))
    commands = (site / "reference" / "commands.html").read_text()
    assert all(f'id="opentdvp-{command}"' in commands for command in ("run", "validate", "show"))
    python = (site / "reference" / "python.html").read_text()
    assert 'class="doc doc-object' in python


def test_nothing_is_loaded_from_elsewhere(site):
    loaded = re.compile(
        r"<(?:script|img)[^>]+src=\"?https?:|<link[^>]+stylesheet[^>]+href=\"?https?:"
    )
    for page in ("index.html", "gallery.html", "theory/tdvp.html"):
        assert not loaded.search((site / page).read_text()), page


def test_figures_have_alternative_texts(site):
    for page in ("index.html", "gallery.html", "theory/limits.html"):
        images = re.findall(r"<img[^>]*>", (site / page).read_text())
        assert images
        assert all(re.search(r'alt="[^"]{20,}"', image) for image in images), page


def test_figures_are_seen_in_a_browser(site, browser):
    browser.get((site / "gallery.html").as_uri())
    images = browser.find_elements(By.CSS_SELECTOR, "article img")
    assert len(images) >= 14
    assert all(int(image.get_property("naturalWidth")) > 500 for image in images)


def test_equations_are_drawn_in_a_browser(site, browser):
    browser.get((site / "theory" / "tdvp.html").as_uri())
    equations = browser.find_elements(By.TAG_NAME, "math")
    assert len(equations) > 10
    assert all(equation.size["height"] > 8 for equation in equations)
    assert "arithmatex" not in browser.find_element(By.TAG_NAME, "article").get_attribute(
        "innerHTML"
    )
    loaded = "return document.fonts.ready.then(() => document.fonts.check('16px Equations'))"
    assert browser.execute_script(loaded)


def test_search_finds_a_page_in_a_browser(served, browser):
    browser.get(f"{served}/index.html")
    browser.find_element(By.CSS_SELECTOR, "input.md-search__input").send_keys("tetrahedron")
    found = browser.find_element(By.CSS_SELECTOR, "a.md-search-result__link")
    browser.get(found.get_attribute("href"))
    assert "tetrahedron" in browser.find_element(By.TAG_NAME, "article").text.lower()
