"""Other kinds of the converted models, for accelerators: float16 ONNX and Core ML programs."""
