"""A clip of three seconds, as clinics record them: how long the whole command takes, beside another
version of this program."""

from ops.bench.measuring.figures import Findings
from ops.bench.measuring.films import film_first_frames
from ops.bench.measuring.methods import usable_methods
from ops.bench.measuring.run_figures import add_pace
from ops.bench.measuring.setting import Setting
from ops.bench.measuring.whole_run import WholeRun, whole_run

PART = "clip"
FRAMES, QUICK_FRAMES = 88, 20


def measure(setting: Setting, findings: Findings) -> None:
    """Every method, as often as there are rounds."""
    frames = QUICK_FRAMES if setting.quick else FRAMES
    film = film_first_frames(setting.recording, setting.folder / "clip.mp4", frames)
    for method in usable_methods(setting.weights, findings):
        name = f"{method.name}, {frames} frames"
        runs: list[WholeRun] = []
        older: list[WholeRun] = []
        options = [*method.options, "--workers", str(setting.workers)]
        for number in range(1, setting.rounds + 1):
            setting.say(f"{PART}: {name}, round {number} of {setting.rounds}")
            runs.append(whole_run(film, setting.weights, options))
            if setting.older is not None:
                older.append(whole_run(film, setting.weights, options, setting.older))
        findings.add(PART, name, "from the command to its end", "s", [run.seconds for run in runs])
        add_pace(findings, PART, name, runs)
        theirs = [run.seconds for run in older]
        findings.add(PART, name, "the same by the older version", "s", theirs)
        shares = [run.seconds / other for run, other in zip(runs, theirs, strict=False)]
        findings.add(PART, name, "time beside the older version's", "times", shares)
