"""Grafana's dashboard and Prometheus' alerts: all they ask for is in a real scrape of Flower and of
the server."""

import json
import re
import shutil
import subprocess
import urllib.request
from dataclasses import dataclass

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from ops import cli
from ops.lab.metrics import LabFigures, serve
from tests.ops.lab.containers.compose import PROJECT
from tests.ops.lab.flower_site import start_flower
from tests.ops.one_machine_lab import free_port, lab_on_one_machine
from tests.programs import program
from tests.recordings import Recipe, record

SIMULATED = ("--provider", "simulated")
DASHBOARD = json.loads((PROJECT / "ops" / "lab" / "grafana" / "face-mirror.json").read_text())
PROMETHEUS = PROJECT / "ops" / "lab" / "prometheus"
ALERTS = [
    rule
    for group in yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]
COUNTER = re.compile(r"\b\w+_(?:total|sum|count|bucket)\b")
COUNTED = re.compile(r"\b(?:rate|increase)\(\w+(?:\{[^}]*\})?\[\d+[mh]\]\)")
SELECTOR = re.compile(r"\b((?:flower|facemirror)_\w+)(?:\{([^}]*)\})?")
EQUALS = re.compile(r'(\w+)="([^"]*)"')
GROUPED = re.compile(r"\bby \(([^)]*)\)")


@dataclass(frozen=True)
class Target:
    """One curve of the dashboard, or one alert."""

    panel: str
    expression: str
    legend: str


TARGETS = [
    Target(panel["title"], target["expr"], target["legendFormat"])
    for panel in DASHBOARD["panels"]
    for target in panel["targets"]
]
ASKED = [*TARGETS, *(Target(rule["alert"], rule["expr"], "") for rule in ALERTS)]


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
        server_on=True,
    )
    port = free_port()
    serve("127.0.0.1", port, lambda: figures)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        return answer.read().decode()


@pytest.mark.parametrize("target", ASKED, ids=lambda target: target.panel)
def test_every_metric_that_is_asked_for_exists_with_its_labels(target, samples):
    selectors = SELECTOR.findall(target.expression)
    assert selectors or "up{" in target.expression  # Prometheus' own
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


@pytest.mark.parametrize("target", ASKED, ids=lambda target: target.panel)
def test_what_only_grows_is_asked_for_as_a_rate(target):
    rest = COUNTED.sub("", target.expression)
    assert not COUNTER.findall(rest), f"{target.panel} shows a counter as it is"


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_says_what_is_wrong_and_what_to_do(rule):
    assert rule["labels"]["severity"] in ("warning", "info")
    assert set(rule["annotations"]) == {"summary", "action"}
    for label in re.findall(r"\$labels\.(\w+)", " ".join(rule["annotations"].values())):
        groups = GROUPED.findall(rule["expr"])
        assert not groups or label in groups[0].split(", ")
    commands = re.findall(r"`facemirror (\w+)", rule["annotations"]["action"])
    assert set(commands) <= {command.callback.__name__ for command in cli.app.registered_commands}


@pytest.mark.parametrize("file", ["prometheus.yml", "containers.yml"])
def test_prometheus_scrapes_and_loads_what_the_alerts_ask_for(file):
    told = yaml.safe_load((PROMETHEUS / file).read_text())
    assert told["rule_files"] == ["alerts.yml"]
    scraped = {job["job_name"] for job in told["scrape_configs"]}
    asked = set(re.findall(r'job="(\w+)"', " ".join(rule["expr"] for rule in ALERTS)))
    assert asked == scraped == {"flower", "facemirror"}


def promtool(*arguments: object) -> subprocess.CompletedProcess[str]:
    """What Prometheus' own checker says."""
    line = [program("promtool"), *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, check=False)


def test_promtool_accepts_what_prometheus_is_given(tmp_path):
    folder = shutil.copytree(PROMETHEUS, tmp_path / "prometheus")
    (folder / "flower-password").write_text("word")
    for file in ("prometheus.yml", "containers.yml"):
        text = (folder / file).read_text()
        (folder / file).write_text(text.replace("/tmp/flower-password", "flower-password"))
        done = promtool("check", "config", folder / file)
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"{len(ALERTS)} rules found" in done.stdout


def test_each_alert_is_raised_by_what_it_is_for_and_by_nothing_else():
    cases = PROJECT / "tests" / "ops" / "lab" / "alert_cases.yml"
    raised = {
        one["alertname"]
        for case in yaml.safe_load(cases.read_text())["tests"]
        for one in case["alert_rule_test"]
        if one["exp_alerts"]
    }
    assert raised == {rule["alert"] for rule in ALERTS}
    done = promtool("test", "rules", cases)
    assert done.returncode == 0, done.stdout + done.stderr


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
