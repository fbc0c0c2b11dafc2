"""The Grafana dashboard: whatever it asks for is in a real scrape of Flower and of the server."""

import json
import re
import urllib.request
from dataclasses import dataclass

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ops.lab.metrics import LabFigures, serve
from tests.ops.lab.compose import PROJECT
from tests.ops.lab.flower_site import start_flower
from tests.ops.one_machine_lab import free_port, lab_on_one_machine
from tests.recordings import Recipe, record

SIMULATED = ("--provider", "simulated")
DASHBOARD = json.loads((PROJECT / "ops" / "lab" / "grafana" / "face-mirror.json").read_text())
SELECTOR = re.compile(r"\b((?:flower|facemirror)_\w+)(?:\{([^}]*)\})?")
EQUALS = re.compile(r'(\w+)="([^"]*)"')
GROUPED = re.compile(r"\bby \(([^)]*)\)")


@dataclass(frozen=True)
class Target:
    """One curve of the dashboard."""

    panel: str
    expression: str
    legend: str


TARGETS = [
    Target(panel["title"], target["expr"], target["legendFormat"])
    for panel in DASHBOARD["panels"]
    for target in panel["targets"]
]


@pytest.fixture(scope="module")
def samples(tmp_path_factory) -> dict[str, list[dict[str, str]]]:
    """The labels of every sample by its metric: Flower's after a study of which one recording
    failed, and the server's."""
    folder = tmp_path_factory.mktemp("lab")
    recordings = folder / "recordings"
    recordings.mkdir()
    record(recordings / "P017_smile.mov", Recipe(frames=20))
    (recordings / "P018_brows.mov").write_text("not a video\n" * 99)
    with lab_on_one_machine(folder) as lab:
        site = start_flower(lab)
        lab.start("server", "server")
        lab.start("worker", "worker", *SIMULATED, "--name", "mac-3")
        lab.wait_for(lab.submit(recordings, "--out", folder / "out", *SIMULATED))
        for ended in ("analyze", "ingest"):
            site.wait_for("/metrics", f'flower_events_total{{task="{ended}",type="task-succeeded"')
        site.wait_for("/metrics", 'type="task-failed"')
        text = site.get("/metrics")[1] + scrape_of_the_server()
    found: dict[str, list[dict[str, str]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample.labels)
    return found


def scrape_of_the_server() -> str:
    """What `serve` answers, for a lab with one queue and one worker."""
    figures = LabFigures(
        frames_done=20,
        chunks_waiting={"facemirror.analyze.0a1b2c3d.any": 1},
        chunks_running={"facemirror@mac-3": 1},
        held_bytes=1000,
        budget_bytes=2000,
    )
    port = free_port()
    serve("127.0.0.1", port, lambda: figures)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        return answer.read().decode()


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.panel)
def test_every_metric_that_is_drawn_exists_with_its_labels(target, samples):
    selectors = SELECTOR.findall(target.expression)
    assert selectors
    for metric, conditions in selectors:
        wanted = dict(EQUALS.findall(conditions))
        fitting = [labels for labels in samples.get(metric, []) if wanted.items() <= labels.items()]
        assert fitting, f"no sample of {metric} with {wanted}"
        for group in GROUPED.findall(target.expression):
            assert set(group.split(", ")) <= set(fitting[0]), f"{metric} has only {fitting[0]}"


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.panel)
def test_a_legend_names_labels_that_are_left(target):
    for label in re.findall(r"\{\{(\w+)\}\}", target.legend):
        groups = GROUPED.findall(target.expression)
        assert not groups or all(label in group.split(", ") for group in groups)


def test_the_dashboard_shows_what_a_lab_asks_for():
    asked = " ".join(target.expression for target in TARGETS)
    for metric in (
        *("facemirror_frames_done_total", "facemirror_chunks_waiting"),
        *("flower_task_runtime_seconds_bucket", "flower_events_total"),
        *("facemirror_redis_held_bytes", "facemirror_redis_budget_bytes"),
    ):
        assert metric in asked
    numbers = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(numbers)) == len(numbers)
