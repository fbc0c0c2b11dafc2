"""`facemirror flower`: who may look, what is told, and what goes wrong in one line."""

import json
import time
from dataclasses import replace
from urllib.parse import quote

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.ops.lab.flower_site import (
    PASSWORD,
    FlowerSite,
    start_flower,
    start_flower_without_password,
)
from tests.ops.one_machine_lab import PASSWORD as REDIS_PASSWORD
from tests.ops.one_machine_lab import (
    LabOnOneMachine,
    end,
    free_port,
    lab_on_one_machine,
    wait_until,
)
from tests.recordings import Recipe, record

WORKER = "facemirror@mac-3"
SECRETS = (PASSWORD, REDIS_PASSWORD, quote(REDIS_PASSWORD))
PAGES = ("/", "/workers", "/tasks", "/broker", f"/worker/{WORKER}", "/workers?json=1")
INTERFACE = ("/api/workers?refresh=1", "/api/tasks", "/api/task/types", "/api/queues/length")
DATA = "/tasks/datatable?draw=1&start=0&length=10&order[0][column]=0&columns[0][data]=name"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Flower with one idle worker on."""
    with lab_on_one_machine(tmp_path_factory.mktemp("lab")) as lab:
        start_worker(lab)
        site = start_flower(lab)
        site.wait_for(f"/worker/{WORKER}", "Configuration")
        yield site


def start_worker(lab: LabOnOneMachine) -> None:
    """A worker that measures nothing."""
    lab.start("worker", "worker", "--provider", "simulated", "--name", "mac-3")


@pytest.mark.parametrize("path", [*PAGES, *INTERFACE, DATA, "/metrics"])
def test_a_page_is_shown_to_those_who_log_in_only(site, path):
    assert site.get(path, log_in=False)[0] == 401
    assert replace(site, password="wrong").get(path)[0] == 401
    assert site.get(path)[0] == 200


def test_nothing_that_flower_serves_is_open_but_health_static_files_and_goodbye(site):
    from flower.urls import handlers

    for handler in handlers:
        pattern = handler.regex.pattern if hasattr(handler, "regex") else handler[0]
        path = pattern.rstrip("$").replace("(.+)", "x").replace("(.*)", "x").replace("/?", "")
        status, _ = site.get(path, log_in=False) if path.startswith("/") else (404, "")
        # 405: it takes other requests than GET, which `meddled_with` tries.
        assert status in (401, 404, 405) or path in ("/healthcheck", "/logout"), f"{path}: {status}"


def test_the_health_check_is_open_and_says_nothing(site):
    assert site.get("/healthcheck", log_in=False) == (200, "OK")


def test_no_page_and_no_command_line_tells_a_password(site):
    for path in (*PAGES, *INTERFACE, DATA, "/metrics"):
        page = site.get(path)[1]
        assert not any(secret in page for secret in SECRETS), path
    line = " ".join(psutil.Process(site.process.pid).cmdline())
    for told in (line, site.log.read_text()):
        assert not any(secret in told for secret in SECRETS)


def test_workers_and_tasks_cannot_be_meddled_with(site):
    for path in (f"worker/shutdown/{WORKER}", "task/send-task/ingest", "task/revoke/some-id"):
        assert site.get(f"/api/{path}", body=b'{"args": []}', log_in=False)[0] == 401, path
        assert site.get(f"/api/{path}", body=b'{"args": []}')[0] == 403, path


def test_metrics_can_be_scraped(site):
    site.wait_for("/metrics", f'flower_worker_online{{worker="{WORKER}"}} 1.0')
    families = {family.name for family in text_string_to_metric_families(site.get("/metrics")[1])}
    assert {"flower_events", "flower_task_runtime_seconds", "flower_worker_online"} <= families


def test_a_password_is_made_up_printed_once_and_works_on_this_machine_only(lab):
    site = start_flower_without_password(lab)
    assert len(site.password) >= 16
    assert site.get("/workers", log_in=False)[0] == 401
    assert site.get("/workers")[0] == 200
    assert site.log.read_text().count(site.password) == 1
    listening = [
        connection.laddr.ip
        for connection in psutil.Process(site.process.pid).net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert listening == ["127.0.0.1"]


def test_the_password_may_be_in_a_file(lab, tmp_path):
    file = tmp_path / "password"
    file.write_text("from a file\n")
    site = start_flower(lab, "--password-file", file, user="anna")
    assert replace(site, password="from a file").get("/workers")[0] == 200
    assert site.get("/workers")[0] == 401
    assert "from a file" not in site.log.read_text()


def test_beyond_this_machine_it_says_that_it_is_not_encrypted(lab):
    site = start_flower(lab, "--address", "0.0.0.0")
    assert "not encrypted" in site.log.read_text()
    assert site.get("/workers", log_in=False)[0] == 401


def test_it_ends_cleanly_when_asked_to(lab):
    site = start_flower(lab)
    site.process.terminate()
    assert site.process.wait(timeout=30) == 0
    assert "Traceback" not in site.log.read_text()


def test_it_goes_on_when_redis_was_started_anew(lab):
    start_worker(lab)
    site = start_flower(lab)
    site.wait_for("/workers", WORKER)
    end(lab.redis_process)
    back = time.time()
    lab.start_redis()
    wait_until(lambda: last_heartbeat(site) > back, 60, lab.logs)
    assert site.get("/workers")[0] == 200


def last_heartbeat(site: FlowerSite) -> float:
    """When Flower last heard of the worker, in seconds of the epoch."""
    listed = json.loads(site.get("/workers?json=1")[1])["data"]
    return max((beat for worker in listed for beat in worker["heartbeats"]), default=0.0)


def test_no_page_tells_a_name_of_a_pseudonymized_study(lab, tmp_path):
    recordings, outputs = tmp_path / "Mueller_clinic", tmp_path / "Mueller_results"
    recordings.mkdir()
    record(recordings / "P017_smile.mov", Recipe(frames=20))
    (recordings / "P018_brows.mov").write_text("not a video\n" * 99)
    site = start_flower(lab)
    lab.start("server", "server", "--name", "lab-server")
    start_worker(lab)
    given = (recordings, "--out", outputs, "--provider", "simulated", "--pseudonymize")
    lab.wait_for(lab.submit(*given))
    site.wait_for("/api/tasks?state=FAILURE", '"ingest"')
    site.wait_for("/api/tasks?state=SUCCESS", '"assemble"')

    tasks = [f"/task/{identity}" for identity in json.loads(site.get("/api/tasks")[1])]
    assert len(tasks) >= 5
    for path in (
        *PAGES,
        *INTERFACE,
        DATA,
        "/metrics",
        "/worker/facemirror-server@lab-server",
        *tasks,
    ):
        status, page = site.get(path)
        assert status == 200, path
        told = [name for name in ("P017", "smile", "P018", "brows", "Mueller") if name in page]
        assert not told, f"{path} tells {told}"


@pytest.mark.parametrize(
    ("options", "environment", "words"),
    [
        (["--broker", "redis://lab.invalid:6379/0"], {}, "has no password"),
        (["--broker", "redis://:secret@127.0.0.1:1/0"], {}, "no Redis answers at redis://:***@"),
        ([], {"FACEMIRROR_FLOWER_PASSWORD": ""}, "is empty or has"),
        (["--password-file", "nowhere"], {}, "nowhere"),
        (["--user", "a:b", "--port", "FREE"], {}, "'a:b' cannot be a user's name"),
        (["--port", "TAKEN"], {}, "choose another --port"),
    ],
)
def test_what_cannot_be_served_is_one_line(lab, options, environment, words):
    lab.environment |= environment
    values = {"TAKEN": str(lab.port), "FREE": str(free_port())}
    done = lab.run("flower", *(values.get(option, option) for option in options))
    assert done.returncode == 2, done.stderr
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert REDIS_PASSWORD not in done.stderr
    assert "secret" not in done.stderr
