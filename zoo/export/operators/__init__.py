"""Operators of MindSpore in ONNX, one family a file; see `zoo.export.table`."""
