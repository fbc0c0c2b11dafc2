"""What a worker process is: Celery app, launcher, sessions, video, face geometry, AUs."""

import weights  # noqa: F401  (switches ONNX Runtime's telemetry off before it is loaded)
