"""A network of a few hundred weights that trains in seconds, registered as a stranger's plugin would be."""

from __future__ import annotations

from pathlib import Path

from zoo import BackboneSpec, Card, MetricSpec, ModelSpec, Objective, hookimpl


def build(config, backbone):
    from mindspore import nn, ops

    class Tiny(nn.Cell):
        def __init__(self):
            super().__init__()
            self.backbone = backbone
            self.head = nn.Conv2d(backbone.channels[0], 1, 3, pad_mode="pad", padding=1, has_bias=True)

        def construct(self, image):
            features = self.backbone(image)[0]
            return ops.sigmoid(ops.interpolate(self.head(features), size=image.shape[2:], mode="bilinear"))

    return Tiny()


def build_backbone(config):
    from mindspore import nn

    class Encoder(nn.Cell):
        channels = (4,)
        strides = (2,)

        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3, stride=2, pad_mode="pad", padding=1)
            self.norm = nn.BatchNorm2d(4)
            self.relu = nn.ReLU()

        def construct(self, image):
            return (self.relu(self.norm(self.conv(image))),)

    return Encoder()


def build_objective(network, config):
    from mindspore import nn, ops

    class Both(nn.Cell):
        def __init__(self):
            super().__init__(auto_prefix=False)
            self.network = network
            self.epochs = 0

        def construct(self, image, alpha, trimap):
            found = self.network(image)
            everywhere = ops.abs(found - alpha).mean()
            unknown = ops.abs((found - alpha) * (trimap == 0.5).astype(alpha.dtype)).mean()
            return everywhere + unknown, everywhere, unknown

        def epoch_end(self):
            self.epochs += 1
            EPOCHS.append(self.epochs)

    return Both()


def build_alone(network, config):
    from mindspore import nn

    class Binary(nn.Cell):
        """Pushes unlabelled alphas to 0 and 1."""

        def __init__(self):
            super().__init__(auto_prefix=False)
            self.network = network

        def construct(self, image, alpha, trimap):
            found = self.network(image)
            return ((found * (1 - found)).mean(),)

    return Binary()


EPOCHS: list[int] = []
"""What ``epoch_end`` was called with, for the tests."""


@hookimpl
def register_backbones(register):
    register(BackboneSpec("encoder", build=build_backbone))


@hookimpl
def register_models(register):
    objectives = {
        "supervised": Objective(build_objective, terms=("everywhere", "unknown")),
        "binary": Objective(build_alone),
    }
    config = Path(__file__).with_name("tiny.yaml")
    register(ModelSpec("tiny", build=build, card=Card("Tiny"), config=config, objectives=objectives))


@hookimpl
def register_metrics(register):
    register(MetricSpec("BIAS", lambda alpha, target, trimap: float(alpha.mean() - target.mean())))
