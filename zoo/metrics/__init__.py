"""Metrics of a matte against the truth: NumPy and OpenCV, float64, at the image's own resolution.

`zoo.metrics.score.score` computes them all for one image. Importing this package, `definitions` or `specs` loads
neither NumPy nor OpenCV.
"""
