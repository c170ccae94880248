"""Debian's Chromium, driven by Playwright: it collects what goes wrong on a page, and keeps screenshots if asked to."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

REQUIRED = os.environ.get("CONVTUNE_REQUIRE_BROWSER") == "1"
"""Whether a missing browser is a failure; elsewhere the tests are skipped."""

NOISE = (
    "/ajax-api/2.0/mlflow/users/current",  # a server without accounts answers 404
    "ResizeObserver loop completed with undelivered notifications",  # a browser's own remark, harmless
)
"""What MLflow 3.17's UI itself writes to the console as errors."""

_QUIET = """
localStorage.setItem("mlflow.assistant.panelOpen_v1", "false");
localStorage.setItem("mlflow.assistant.fab.autoOpenedOnFirstLoad_v1", "true");
"""
"""Keeps MLflow's assistant closed: on a first visit from this machine it takes a quarter of the page."""


@contextmanager
def chromium() -> Iterator["object"]:
    """A browser; the test is skipped, or fails, where there is none."""
    binary = shutil.which("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        sync_playwright = None
    if binary is None or sync_playwright is None:
        missing = "chromium" if binary is None else "playwright"
        (pytest.fail if REQUIRED else pytest.skip)(f"{missing} is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=binary, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield browser
        finally:
            browser.close()


def open_context(browser, **settings):
    """A context, whose pages share their cache: MLflow's scripts have 10 MB."""
    context = browser.new_context(viewport={"width": 1400, "height": 900}, **settings)
    context.set_default_timeout(30_000)
    context.add_init_script(_QUIET)
    return context


class Window:
    """One page of a browser; ``errors`` are those of its scripts and of its console, without MLflow's own."""

    def __init__(self, context) -> None:
        self.errors: list[str] = []
        self.page = context.new_page()
        self.page.on("pageerror", lambda error: self._note(str(error)))
        self.page.on("console", lambda message: message.type == "error" and self._note(_told(message)))

    def _note(self, error: str) -> None:
        if not any(noise in error for noise in NOISE):
            self.errors.append(error)

    def keep(self, name: str) -> None:
        """Keeps a screenshot of the page as it is in the folder ``$CONVTUNE_SCREENSHOTS``, if that is set."""
        if folder := os.environ.get("CONVTUNE_SCREENSHOTS"):
            self.page.screenshot(path=Path(folder, f"{name}.png"))


def _told(message) -> str:
    return f"{message.text} ({message.location.get('url', '')})"
