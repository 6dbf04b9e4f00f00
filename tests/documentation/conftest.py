"""A browser, for the pages."""

from browser import browser as browser
