"""Flower as a person sees it: logged in, in a browser, while a study is on its way."""

import re
import time
from pathlib import Path

import cv2
import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from tests.ops.lab.browser import browser, rows
from tests.ops.lab.flower_site import FlowerSite, start_flower
from tests.ops.one_machine_lab import wait_until
from tests.recordings import Recipe, record

MACS = frozenset({"facemirror@mac-3", "facemirror@mac-4"})
WORKERS = MACS | {"facemirror-server@lab-server"}
SIMULATED = ("--provider", "simulated")
FRAMES = 20
CHUNK = re.compile("P017_smile.mov frames [0-9]+\N{EN DASH}[0-9]+")
SECONDS_A_FRAME = 6.2  # a chunk, 10 frames, takes more than a minute
NAME, STATUS, ACTIVE = 0, 1, 2  # columns of Flower's workers


@pytest.fixture
def site(lab, tmp_path):
    """Flower on a lab with two workers, which work on one recording; another is no video."""
    recordings = tmp_path / "recordings"
    recordings.mkdir()
    record(recordings / "P017_smile.mov", Recipe(frames=FRAMES))
    (recordings / "P018_brows.mov").write_text("not a video\n" * 99)
    slow = (*SIMULATED, "--simulated-seconds", SECONDS_A_FRAME)
    for mac in ("mac-3", "mac-4"):
        lab.start(mac, "worker", *slow, "--name", mac)
    lab.start("server", "server", "--name", "lab-server")
    site = start_flower(lab)
    for worker in WORKERS:
        site.wait_for("/workers", worker)
    lab.submit(recordings, "--out", tmp_path / "out", *SIMULATED)
    return site


def log_in(chrome: Chrome, site: FlowerSite, page: str) -> None:
    """Open a page; the browser sends what was typed into its login from then on."""
    chrome.get(f"http://{site.user}:{site.password}@127.0.0.1:{site.port}{page}")
    chrome.get(site.url + page)


def take_screenshot(chrome: Chrome, path: Path) -> None:
    """A picture that shows something."""
    assert chrome.save_screenshot(str(path))
    assert cv2.imread(str(path)).std() > 5


def tasks(chrome: Chrome, site: FlowerSite) -> list[dict[str, str]]:
    """Flower's tasks by the headings of their columns."""
    chrome.get(f"{site.url}/tasks")
    wait_until(lambda: rows(chrome, "#tasks-table"), 60, "no tasks are shown")
    heads = chrome.find_elements(By.CSS_SELECTOR, "#tasks-table thead th")
    names = [head.get_attribute("data-column") for head in heads]
    return [dict(zip(names, row, strict=True)) for row in rows(chrome, "#tasks-table")]


def test_workers_stay_online_through_a_minute_of_work_and_tasks_are_readable(site, tmp_path):
    with browser(tmp_path / "chromium") as chrome:
        chrome.get(f"{site.url}/workers")
        assert "facemirror" not in chrome.page_source

        log_in(chrome, site, "/workers")
        wait_until(lambda: working(chrome) == MACS, 60, "they do not both work")
        seen: list[list[str]] = []
        refreshed: set[str] = set()
        while not has_succeeded(site, "analyze"):
            seen += rows(chrome, "#workers-table")
            refreshed.add(
                chrome.find_element(By.TAG_NAME, "body").text.partition("Updated ")[2][:8]
            )
            if len(refreshed) == 5:
                take_screenshot(chrome, tmp_path / "workers.png")
                shown = tasks(chrome, site)
                take_screenshot(chrome, tmp_path / "tasks.png")
                chrome.get(f"{site.url}/workers")
                wait_until(lambda: rows(chrome, "#workers-table"), 60, "no workers are shown")
            time.sleep(0.5)
        assert len(refreshed) > 10, "the page did not refresh itself"
        assert {row[NAME] for row in seen} == WORKERS
        assert {row[STATUS] for row in seen} == {"Online"}
        assert {row[ACTIVE] for row in seen if row[NAME] in MACS} == {"1"}

        begun = [task for task in shown if task["state"] == "STARTED"]
        assert {task["worker"] for task in begun} == MACS
        assert {task["name"] for task in begun} == {"analyze"}
        assert all(CHUNK.fullmatch(task["args"]) for task in begun), begun

        wait_until(lambda: has_succeeded(site, "assemble"), 150, "the recording is not done")
        ended = tasks(chrome, site)
        analysed = [task for task in ended if task["name"] == "analyze"]
        assert {task["state"] for task in analysed} == {"SUCCESS"}
        runtimes = [task["runtime"] for task in analysed]
        assert all(runtime.startswith("1m ") for runtime in runtimes), runtimes
        failed = [task for task in ended if task["state"] == "FAILURE"]
        assert [task["args"] for task in failed] == ["P018_brows.mov"]
        assert "no video" in page_of_task(chrome, failed[0]["args"], site)
        take_screenshot(chrome, tmp_path / "failed.png")


def working(chrome: Chrome) -> set[str]:
    """The workers that the open page shows with a task in hand."""
    shown = rows(chrome, "#workers-table")
    return {row[NAME] for row in shown if row[ACTIVE:][:1] == ["1"]} & MACS


def has_succeeded(site: FlowerSite, task: str) -> bool:
    """Whether Flower knows of a task of this name that is done."""
    return f'"name": "{task}"' in site.get("/api/tasks?state=SUCCESS")[1]


def page_of_task(chrome: Chrome, arguments: str, site: FlowerSite) -> str:
    """The text of the page behind the task with these arguments."""
    chrome.get(f"{site.url}/tasks?state=FAILURE")
    link = f"//tr[contains(., '{arguments}')]//a[contains(@href, '/task/')]"
    wait_until(lambda: chrome.find_elements(By.XPATH, link), 60, "the task is not listed")
    chrome.get(chrome.find_element(By.XPATH, link).get_attribute("href") or "")
    return chrome.find_element(By.ID, "task-page").text
