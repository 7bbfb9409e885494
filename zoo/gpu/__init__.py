"""What MindSpore needs on an NVIDIA card and does not bring: a driver, CUDA 11 libraries, an answer to its probe.

Nothing here is used, and nothing of the environment is changed, unless a GPU was asked for (``--device GPU``,
``ZOO_DEVICE``). None of it has run on a GPU yet; docs/gpu.md says what has been seen.
"""
