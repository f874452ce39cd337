"""Make the networks: heavy libraries (PyTorch, ONNX) are imported only below this package."""
