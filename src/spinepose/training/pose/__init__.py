"""Make the pose network: readers, augmentation, losses, loop, export (PyTorch and ONNX needed)."""
