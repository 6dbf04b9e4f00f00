"""A browser, for the report."""

from browser import browser as browser
