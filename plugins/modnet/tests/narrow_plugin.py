"""An encoder of a few hundred weights with the maps that MODNet uses, so that the whole network compiles quickly."""

from zoo import BackboneSpec, hookimpl


def build(config):
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


@hookimpl
def register_backbones(register):
    register(BackboneSpec("narrow", build=build))
