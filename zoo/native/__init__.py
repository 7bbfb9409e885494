"""Operators of our own for training on the processor, on the oneDNN inside MindSpore.

MindSpore hands oneDNN plain layouts, for which it has slow kernels only, and splits a convolution's gradients and a
norm with its activation into several passes over memory. The operators here let oneDNN choose the layouts and do each
in one call. They are compiled once with the user's C++ compiler and give way to MindSpore's own wherever that does not
work.
"""

from zoo.native.training import accelerate

__all__ = ["accelerate"]
