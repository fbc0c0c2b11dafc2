"""The models of a worker's child process: loaded once, in the child, never before the fork.

A worker that knows what its first chunk will want loads that while the recording is still indexed.
"""

import threading
from functools import lru_cache
from typing import TYPE_CHECKING

from celery.signals import worker_process_init
from celery.utils.log import get_task_logger

from weights.manifest import AuMethod, InstalledModel
from workers.face.scheme import LandmarkName
from workers.process.app import app
from workers.process.configuration import Configuration
from workers.process.memory import release_unused_memory

if TYPE_CHECKING:
    from workers.session.loading import Models

logger = get_task_logger(__name__)

_one_loads = threading.Lock()


def loaded_models(landmarks: LandmarkName, aus: AuMethod) -> "Models":
    """This process's session. Raises WeightsError or ProviderError."""
    with _one_loads:
        return _load(landmarks, aus)


@lru_cache(maxsize=2)
def _load(landmarks: LandmarkName, aus: AuMethod) -> "Models":
    from workers.session.loading import load_models

    configuration: Configuration = app.conf.facemirror
    models = load_models(
        configuration.weights,
        configuration.backend,
        landmarks,
        aus,
        configuration.compiled,
        configuration.checked,
    )
    release_unused_memory()  # what was only needed for loading: 0.13 GiB for STAR and the AU head
    for model in models.installed:
        if model.demo or not model.official:
            logger.warning("%s was not made from the published checkpoint", model.file)
    logger.info("models loaded on %s", configuration.backend)
    return models


@lru_cache(maxsize=2)
def simulated_models(landmarks: LandmarkName, aus: AuMethod) -> tuple[InstalledModel, ...]:
    """What a simulated session would have loaded. Raises WeightsError."""
    from workers.session.needed_models import check_weights

    return check_weights(app.conf.facemirror.weights, landmarks, aus)


@worker_process_init.connect  # type: ignore[untyped-decorator]
def load_what_is_expected(**_: object) -> None:
    """Beside what else the child does: it has to be ready for tasks within seconds."""
    expected = app.conf.facemirror.expected
    if expected is not None:
        threading.Thread(target=_load_quietly, args=expected, daemon=True).start()


def _load_quietly(landmarks: LandmarkName, aus: AuMethod) -> None:
    try:
        import workers.chunk.analysis  # noqa: F401  (takes as long as the models)

        loaded_models(landmarks, aus)
    except Exception:
        logger.info("nothing loaded early: the first chunk says why", exc_info=True)
