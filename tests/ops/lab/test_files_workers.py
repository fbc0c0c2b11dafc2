"""One server with several processes that read and write files."""

from ops.lab.server import MOST_FILES_WORKERS, SERVER_NAME, files_posts, fitting_files_workers
from tests.ops.outputs import Outputs
from tests.ops.studies.simulated import SIMULATED, recordings_of, start_simulated
from workers.process.presence import present_workers
from workers.process.queues import FILES_QUEUE


def test_the_first_has_the_servers_name_and_all_read_the_same_queue():
    posts = files_posts(3, "lab")
    assert [post.name for post in posts] == [SERVER_NAME, f"{SERVER_NAME}-2", f"{SERVER_NAME}-3"]
    assert {(post.queues, post.host) for post in posts} == {((FILES_QUEUE,), "lab")}


def test_a_machine_gets_one_for_each_core_and_one_more_up_to_a_few(monkeypatch):
    for cores, count in ((1, 2), (2, 3), (64, MOST_FILES_WORKERS), (None, 2)):
        monkeypatch.setattr("os.cpu_count", lambda cores=cores: cores)
        assert fitting_files_workers() == count


def test_several_write_a_study_side_by_side_simulated(lab, tmp_path):
    recordings = recordings_of(tmp_path / "in", count=4, frames=60)
    lab.start("server", "server", "--files-workers", 2)
    start_simulated(lab, workers=2)
    lab.wait_for_workers(4)
    files = {
        w.name.partition("@")[0] for w in present_workers(lab.client) if w.queues == (FILES_QUEUE,)
    }
    assert files == {SERVER_NAME, f"{SERVER_NAME}-2"}
    study = lab.submit(recordings, "--out", tmp_path / "out", *SIMULATED)
    assert [r["state"] for r in lab.wait_for(study)["recordings"]] == ["done"] * 4
    for name in ("r0", "r1", "r2", "r3"):
        assert len(Outputs(tmp_path / "out" / name).rows("left")) == 60
