"""Model files: where they come from, how they are converted, and what is installed."""

import os

# ONNX Runtime reports its use to its maker unless told otherwise before it is loaded. Nothing
# about a patient's recording leaves the laboratory.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
