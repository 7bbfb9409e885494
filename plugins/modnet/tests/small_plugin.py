"""What compiles quickly: an encoder of a few hundred weights for MODNet, and a model with its three outputs alone."""

from pathlib import Path

import zoo_modnet

from zoo import BackboneSpec, Card, ModelSpec, Objective, hookimpl


def build_narrow(config):
    """Maps at the strides that MODNet uses."""
    from mindspore import nn

    def halved(inputs, outputs):
        convolution = nn.Conv2d(inputs, outputs, 3, stride=2, pad_mode="pad", padding=1)
        return nn.SequentialCell([convolution, nn.BatchNorm2d(outputs), nn.ReLU()])

    class Encoder(nn.Cell):
        channels = (4, 6, 8)
        strides = (2, 4, 32)

        def __init__(self):
            super().__init__()
            self.half, self.quarter = halved(3, 4), halved(4, 6)
            self.rest = nn.SequentialCell([halved(6, 8), halved(8, 8), halved(8, 8)])

        def construct(self, image):
            half = self.half(image)
            quarter = self.quarter(half)
            return half, quarter, self.rest(quarter)

    return Encoder()


def build_micro(config, backbone):
    """One layer with MODNet's norm, and a layer for each output."""
    from mindspore import nn, ops
    from zoo_modnet.initialisation import initialise
    from zoo_modnet.network import ConvUnit

    class Micro(nn.Cell):
        def __init__(self):
            super().__init__()
            self.features = ConvUnit(3, 8, 3)
            self.semantic = nn.Conv2d(8, 1, 16, stride=16, pad_mode="valid", has_bias=True)
            self.detail = nn.Conv2d(8, 1, 1, has_bias=True)
            self.matte = nn.Conv2d(8, 1, 1, has_bias=True)
            initialise(self, config.train.seed)

        def construct(self, image):
            return self.branches(image)[2]

        def branches(self, image):
            x = self.features(image)
            return ops.sigmoid(self.semantic(x)), ops.sigmoid(self.detail(x)), ops.sigmoid(self.matte(x))

    return Micro()


@hookimpl
def register_backbones(register):
    register(BackboneSpec("narrow", build=build_narrow))


@hookimpl
def register_models(register):
    terms = ("semantic", "detail", "matte")
    objectives = {
        "supervised": Objective(zoo_modnet.build_supervised, terms),
        "soc": Objective(zoo_modnet.build_soc, terms),
    }
    config = Path(zoo_modnet.__file__).with_name("default.yaml")
    register(ModelSpec("micro", build=build_micro, card=Card("Micro"), config=config, objectives=objectives))
