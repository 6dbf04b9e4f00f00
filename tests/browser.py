"""A browser, for the report and the documentation."""

import shutil

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service


@pytest.fixture
def browser():
    driver = shutil.which("chromedriver")
    if not driver or not shutil.which("chromium"):
        pytest.skip("needs Chromium and its driver (Debian: chromium, chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    # As root, as in containers, Chromium has no sandbox; nothing here is for the network.
    for flag in (
        "headless",
        "no-sandbox",
        "disable-background-networking",
        "window-size=1400,1000",
    ):
        options.add_argument(f"--{flag}")
    opened = webdriver.Chrome(options=options, service=Service(driver))
    opened.implicitly_wait(10)
    yield opened
    opened.quit()
