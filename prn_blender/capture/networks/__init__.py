"""Networks in onnxruntime."""
