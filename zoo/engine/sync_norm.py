"""Batch norms that take their statistics over the pictures of all devices.

With few pictures on a device, statistics of those alone are noise. MindSpore's own ``nn.SyncBatchNorm`` runs on Ascend
only.
"""

from __future__ import annotations

from typing import Any

from zoo.engine.group import Group


def synchronise_norms(network: Any, group: Group) -> int:
    """Let every ``nn.BatchNorm2d`` of a network take its statistics over all processes of a group while it trains.

    The norms stay the same cells with the same parameters, so that checkpoints go on to fit; in evaluation they do
    what they did. In training they do what one process would do with the pictures of all of them: mean and variance of
    the whole batch, in two passes; its unbiased variance for the moving one; gradients through the statistics to the
    pictures of all processes. Each costs one exchange of 2 numbers per channel and process in either direction.

    Args:
        network: Cell; it has not been compiled yet.
        group: The processes; each has equally many pictures of the same size.

    Returns:
        How many norms there are.
    """
    from mindspore import nn

    kind = _synchronised()
    # A subclass has its own idea of what a norm does.
    norms = [cell for _, cell in network.cells_and_names() if type(cell) is nn.BatchNorm2d]
    for norm in norms:
        # A new cell would have to be put wherever a network keeps the old one: attributes, lists, tuples of lists.
        norm.__class__ = kind
        norm.normalise = _normalisation(group, norm.eps)
    return len(norms)


def _synchronised() -> type:
    """The class of a synchronised ``nn.BatchNorm2d``."""
    import mindspore as ms
    from mindspore import nn, ops

    class SynchronisedBatchNorm2d(nn.BatchNorm2d):
        def construct(self, x):  # type: ignore[no-untyped-def]
            if not self.training or self.use_batch_statistics is False:
                return self.bn_infer(x, self.gamma, self.beta, self.moving_mean, self.moving_variance)[0]
            found, mean, unbiased = self.normalise(x.astype(ms.float32), self.gamma, self.beta)
            # `momentum` is the share of the new value here: `nn.BatchNorm2d` keeps 1 minus what it was given.
            ops.assign_add(self.moving_mean, self.momentum * (mean - self.moving_mean))
            ops.assign_add(self.moving_variance, self.momentum * (unbiased - self.moving_variance))
            return found.astype(x.dtype)

    return SynchronisedBatchNorm2d


def _normalisation(group: Group, eps: float) -> Any:
    """Cell: ``construct(x, gamma, beta) -> (normalised x, mean, unbiased variance)``, x (N, C, H, W).

    Ioffe and Szegedy, arXiv 1502.03167, algorithm 1, with the gradient written out, as MindSpore would keep every
    intermediate result of the formulas:

        dx = gamma / s * (dy - mean(dy) - h * mean(dy * h)),   h = (x - mean) / s,   s = sqrt(variance + eps)

    where each mean is over the pictures of all processes.
    """
    import mindspore as ms
    from mindspore import nn, ops

    size, add = group.size, ops.AllReduce()
    own = ms.Tensor([[1.0 if rank == group.rank else 0.0] for rank in range(size)], ms.float32)
    apply = ops.BatchNorm(is_training=False, epsilon=eps)
    average = _averages()

    def everywhere(one: Any, other: Any) -> Any:
        """Two vectors of C numbers as they are in each process: (size, C) both."""
        # A row for each process, to which all others add zeros. A gather has no gradient on the CPU and costs the same.
        rows = add(own * ops.concat((one, other)).reshape(1, -1))
        return rows[:, : one.shape[0]], rows[:, one.shape[0] :]

    class Normalisation(nn.Cell):
        def construct(self, x, gamma, beta):  # type: ignore[no-untyped-def]
            mean = average(x)
            centred = x - mean.reshape(1, -1, 1, 1)
            means, variances = everywhere(mean, average(centred * centred))
            mean = means.mean(0)
            # Of equally large parts: the mean of their variances and the variance of their means.
            variance = variances.mean(0) + ops.square(means - mean).mean(0)
            count = size * x.shape[0] * x.shape[2] * x.shape[3]
            unbiased = variance * (count / (count - 1))
            return apply(x, gamma, beta, mean, variance)[0], mean, unbiased

        def bprop(self, x, gamma, beta, out, dout):  # type: ignore[no-untyped-def]
            dy, mean = dout[0], out[1]
            count = size * x.shape[0] * x.shape[2] * x.shape[3]
            variance = out[2] * ((count - 1) / count)
            scale = 1 / ops.sqrt(variance + eps)
            h = (x - mean.reshape(1, -1, 1, 1)) * scale.reshape(1, -1, 1, 1)
            dy_mean, dyh_mean = average(dy), average(dy * h)
            dy_means, dyh_means = everywhere(dy_mean, dyh_mean)
            towards = dy - dy_means.mean(0).reshape(1, -1, 1, 1) - h * dyh_means.mean(0).reshape(1, -1, 1, 1)
            dx = towards * (gamma * scale).reshape(1, -1, 1, 1)
            here = count / size
            return dx, dyh_mean * here, dy_mean * here

    return Normalisation()


def _averages() -> Any:
    """Function of (N, C, H, W): the mean of each channel."""
    import mindspore as ms
    from mindspore import ops

    from zoo.engine import device

    def on_cpu(x: Any) -> Any:
        # A product with ones takes an eighth of the time of ReduceMean there.
        flat = x.reshape(x.shape[0] * x.shape[1], -1)
        sums = ops.matmul(flat, ops.ones((flat.shape[1], 1), ms.float32))
        return sums.reshape(x.shape[0], -1).mean(0) / flat.shape[1]

    def elsewhere(x: Any) -> Any:
        return x.mean((0, 2, 3))

    return on_cpu if device.start().target == "CPU" else elsewhere
