"""Draws the two pictures of MLflow's UI in the README: the prepared table of a study's trials, and its charts.

    convtune tune --data mnist5k --limit macs=2M --epochs 4 --trials 30 --study digits    # 2 minutes on 2 cores
    python bench/mlflow_images.py digits docs/images

It needs Playwright and a Chromium on the path, and runs where the study is.
"""

import argparse
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

CLOSE_ASSISTANT = """
localStorage.setItem("mlflow.assistant.panelOpen_v1", "false");
localStorage.setItem("mlflow.assistant.fab.autoOpenedOnFirstLoad_v1", "true");
"""
"""MLflow's assistant opens on a first visit from the same machine, and takes a quarter of the page."""

HEIGHTS = {"trials": 760, "charts": 1060}
"""The heights of the pictures; they are 1400 pixels wide."""


def main() -> None:
    """Serves the study's pages, and takes a picture of two of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study")
    parser.add_argument("folder", type=Path)
    args = parser.parse_args()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    command = [sys.executable, "-m", "pipeline", "ui", args.study, "--no-open", "--port", port]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        lines = [server.stdout.readline().strip() for _ in range(5)]
        wait_for(f"http://127.0.0.1:{port}/health")
        take({"trials": lines[2], "charts": lines[4]}, args.folder)
    finally:
        server.send_signal(signal.SIGINT)
        server.wait()


def wait_for(address: str) -> None:
    """Returns when the server answers."""
    while True:
        with suppress(OSError), urllib.request.urlopen(address, timeout=5):
            return
        time.sleep(0.3)


def take(pages: dict[str, str], folder: Path) -> None:
    """Takes a picture of each page."""
    with sync_playwright() as playwright:
        chromium = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for name, address in pages.items():
            page = browser.new_page(viewport={"width": 1400, "height": HEIGHTS[name]})
            page.add_init_script(CLOSE_ASSISTANT)
            page.goto(address)
            tidy(page)
            page.screenshot(path=folder / f"mlflow_{name}.png")
        browser.close()


def tidy(page: Page) -> None:
    """Waits for the page, and closes the note that it is a shared view, as a user would."""
    page.locator(".ag-row").first.wait_for()
    note = page.get_by_text("You're viewing a shared view")
    note.wait_for()
    note.locator("xpath=ancestor::*[.//button][1]").get_by_role("button").last.click()
    page.mouse.move(700, 5)
    page.wait_for_timeout(4000)  # charts draw themselves step by step


if __name__ == "__main__":
    main()
