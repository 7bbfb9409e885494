"""A plugin that breaks every rule, one with each thing it registers; ``good`` and ``GOOD`` keep them all."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path

import numpy as np
import scipy  # noqa: F401 - the flaw of the plugin as a whole

from zoo import (
    BackboneSpec,
    Card,
    DatasetSpec,
    MetricSpec,
    ModelSpec,
    NotFoundError,
    Objective,
    Sample,
    Weights,
    hookimpl,
)

ZOO_DECLINED = {"declines:macs": "a reason", "good:no-such-check": "a reason"}

_HERE = Path(__file__).parent
_PARAMETERS = 121  # 3 * 4 * 9 of the first convolution, 2 * 4 of the norm, 4 + 1 of the last convolution
_TEXTS = {"code_license": "Apache-2.0", "intended_use": "Tests.", "limits": "Of use in tests only."}
_MACS = 458_752  # 64 * 64 pixels, 3 * 9 * 4 + 4 each


# --- Networks ----------------------------------------------------------------------------------------


def cells():
    """Networks by name, each with one flaw."""
    import mindspore as ms
    from mindspore import nn, ops

    class Good(nn.Cell):
        """Its last layer begins with zeros, as of many networks, and says nothing before it is trained."""

        bias = False

        def __init__(self):
            super().__init__()
            self.first = nn.Conv2d(3, 4, 3, pad_mode="pad", padding=1, has_bias=self.bias)
            self.norm = nn.BatchNorm2d(4)
            self.last = nn.Conv2d(4, 1, 1, has_bias=True, weight_init="zeros", bias_init="zeros")

        def features(self, image):
            return self.last(ops.relu(self.norm(self.first(image))))

        def construct(self, image):
            return ops.sigmoid(self.features(image))

    class Loud(Good):
        def construct(self, image):
            x = self.features(image)
            return ops.sigmoid(x) if self.training else 100 * x

    class LoudInTraining(Good):
        def construct(self, image):
            x = self.features(image)
            return 100 * x if self.training else ops.sigmoid(x)

    class Pair(Good):
        def construct(self, image):
            x = ops.sigmoid(self.features(image))
            return x if self.training else (x, x)

    class Square(Good):
        def construct(self, image):
            if image.shape[2] != image.shape[3]:
                raise ValueError("square pictures only")
            return ops.sigmoid(self.features(image))

    class Neighbours(Good):
        def construct(self, image):
            x = self.features(image)
            return ops.sigmoid(x if self.training else x - x.mean(axis=0, keep_dims=True))

    class Unseeded(Good):
        def __init__(self):
            super().__init__()
            drawn = np.random.default_rng().normal(0, 0.1, self.first.weight.shape)
            self.first.weight.set_data(ms.Tensor(drawn.astype(np.float32)))

    class Eager(Good):
        def construct(cell, image):  # noqa: N805 - the flaw: a graph knows `self` alone
            return ops.sigmoid(cell.features(image))

    class Forgetful(Good):
        def __init__(self):
            super().__init__()
            self.offset = ms.Tensor(np.random.normal(0, 1, (1,)).astype(np.float32))

        def construct(self, image):
            return ops.sigmoid(self.features(image) + self.offset)

    class Unused(Good):
        def __init__(self):
            super().__init__()
            self.spare = ms.Parameter(ms.Tensor(1.0, ms.float32), name="spare")

    class Cancelled(Good):
        bias = True

    class Declared(Cancelled):
        cancelled = ("first.bias",)

    class Overdeclared(Good):
        cancelled = ("last.*",)

    class Misspelt(Cancelled):
        cancelled = ("first.bias", "first.bais")

    return {cell.__name__.lower(): cell for cell in [*Good.__subclasses__(), Good, Declared, Misspelt]}


def builder(name):
    return lambda config, backbone: cells()[name]()


def secretive(config, backbone):
    config.model.options.get("secret")
    return cells()["good"]()


def fail(config, backbone):
    raise RuntimeError("no luck")


# --- Models that are no network ----------------------------------------------------------------------


class Constant:
    """Answers the same everywhere."""

    def predict(self, image, trimap):
        return np.full(image.shape[:2], 0.5, np.float32)


class Restless:
    def predict(self, image, trimap):
        return np.random.default_rng().uniform(0, 1, image.shape[:2]).astype(np.float32)


class Painter:
    def predict(self, image, trimap):
        image[:] = 0
        return np.zeros(image.shape[:2], np.float32)


class Cropped:
    """Right for pictures with even sides."""

    def predict(self, image, trimap):
        return np.zeros([side // 2 * 2 for side in image.shape[:2]], np.float32)


class Double:
    def predict(self, image, trimap):
        return np.zeros(image.shape[:2])


# --- Objectives --------------------------------------------------------------------------------------


def objectives():
    """Objectives by name, each with one flaw."""
    from mindspore import nn, ops

    class Plain(nn.Cell):
        def __init__(self, network):
            super().__init__(auto_prefix=False)
            self.network = network

        def error(self, image, alpha):
            return ops.abs(self.network(image) - alpha).mean()

        def construct(self, image, alpha, trimap):
            return (self.error(image, alpha),)

    class Uphill(Plain):
        def construct(self, image, alpha, trimap):
            error = self.error(image, alpha)
            return (2 * ops.stop_gradient(error) - error,)

    class Infinite(Plain):
        def construct(self, image, alpha, trimap):
            error = self.error(image, alpha)
            return (error + ops.sqrt(error - error),)

    class Deaf(Plain):
        def construct(self, image, alpha, trimap):
            return (ops.abs(image.mean() - alpha).mean(),)

    class Bare(Plain):
        def construct(self, image, alpha, trimap):
            return self.error(image, alpha)

    class Eager(Plain):
        def construct(cell, image, alpha, trimap):  # noqa: N805 - the flaw: a graph knows `self` alone
            return (cell.error(image, alpha),)

    class Worded(Plain):
        def construct(self, image, alpha, trimap):
            if alpha is None:
                raise ValueError("it needs an alpha for every picture")
            return (self.error(image, alpha),)

    class Unlabelled(Plain):
        def construct(self, image, alpha, trimap):
            found = self.network(image)
            return ((found * (1 - found)).mean(),)

    return {cell.__name__.lower(): cell for cell in [*Plain.__subclasses__(), Plain]}


def objective(name, terms=()):
    return Objective(lambda network, config: objectives()[name](network), terms)


def model(name, cell="good", parameters=_PARAMETERS, macs=_MACS, config="bad.yaml", stages=None, **rest):
    """A model that keeps every rule, but for what is given."""
    card = dataclasses.replace(rest.pop("card", Card("A title", **_TEXTS)), parameters=parameters, macs=macs)
    build = rest.pop("build", None) or builder(cell)
    stages = {"supervised": objective("plain")} if stages is None else stages
    return ModelSpec(name, build=build, card=card, config=_HERE / config, objectives=stages, **rest)


@hookimpl
def register_models(register):
    register(
        model(
            "good",
            "declared",
            _PARAMETERS + 4,
            stages={
                "supervised": objective("plain"),
                "adapt": objective("unlabelled"),
                "refine": objective("worded"),
            },
        )
    )
    register(model("declines", macs=1))
    register(model("config", config="bad_config.yaml"))
    register(model("options", config="bad_options.yaml"))
    register(model("recipe", config="bad_recipe.yaml"))
    register(model("builds", build=fail))
    register(model("undeclared", build=secretive))
    register(model("objectives", build=lambda config, backbone: Constant()))
    weights = Card("A title", **_TEXTS, weights=[Weights("w", ["https://example.org/w.ckpt"], sha256="abc")])
    register(model("weights", card=weights))
    register(model("results", card=Card("A title", **_TEXTS, results=[{"SAD": 1.0}])))
    register(model("card", card=Card("A title")))
    register(model("parameters", parameters=120))
    register(model("macs", macs=None))
    for name in ("loud", "loudintraining", "pair", "square", "neighbours", "unseeded", "forgetful", "overdeclared"):
        register(model(name, name))
    register(model("eager", "eager", stages={}))
    register(model("unused", "unused", _PARAMETERS + 1))
    register(model("cancelled", "cancelled", _PARAMETERS + 4))
    register(model("misspelt", "misspelt", _PARAMETERS + 4))
    for name in ("uphill", "infinite", "deaf", "bare"):
        register(model(f"stage-{name}", stages={"supervised": objective(name)}))
    register(model("stage-eager", stages={"supervised": objective("eager")}))
    register(model("stage-terms", stages={"supervised": objective("plain", ("one", "two"))}))
    register(model("stage-wordless", stages={"adapt": objective("plain")}))
    own = {"parameters": None, "macs": None, "stages": {}}
    register(model("constant", build=lambda config, backbone: Constant(), **own))
    register(model("restless", build=lambda config, backbone: Restless(), **own))
    register(model("painter", build=lambda config, backbone: Painter(), **own))
    register(model("cropped", build=lambda config, backbone: Cropped(), **own))
    register(model("double", build=lambda config, backbone: Double(), **own))
    register(model("blind", build=lambda config, backbone: Constant(), needs_trimap=True, **own))


# --- Backbones ---------------------------------------------------------------------------------------


def encoder(channels, strides, flaw=""):
    def build(config):
        import mindspore as ms
        from mindspore import nn, ops

        class Encoder(nn.Cell):
            def __init__(self):
                super().__init__()
                self.channels, self.strides = channels, strides
                self.half = nn.Conv2d(3, 4, 3, stride=2, pad_mode="pad", padding=1)
                self.quarter = nn.Conv2d(4, 6, 3, stride=2, pad_mode="pad", padding=1)
                if flaw == "seed":
                    drawn = np.random.default_rng().normal(0, 0.1, self.half.weight.shape)
                    self.half.weight.set_data(ms.Tensor(drawn.astype(np.float32)))

            def construct(self, image):
                half = self.half(image)
                if flaw == "batch":
                    half = half - half.mean(axis=0, keep_dims=True)
                return half, ops.relu(self.quarter(half))

        return Encoder()

    return build


@hookimpl
def register_backbones(register):
    register(BackboneSpec("good", encoder((4, 6), (2, 4))))
    register(BackboneSpec("address", encoder((4, 6), (2, 4)), [Weights("a", ["ftp://example.org/a.ckpt"])]))
    register(BackboneSpec("undeclared", encoder((4, 6), ())))
    register(BackboneSpec("unsorted", encoder((6, 4), (4, 2))))
    register(BackboneSpec("channels", encoder((4, 8), (2, 4))))
    register(BackboneSpec("strides", encoder((4, 6), (2, 8))))
    register(BackboneSpec("batch", encoder((4, 6), (2, 4), "batch")))
    register(BackboneSpec("seed", encoder((4, 6), (2, 4), "seed")))


# --- Data sets ---------------------------------------------------------------------------------------

_PICTURE = np.zeros((4, 6, 3), np.uint8)
_ALPHA = np.full((4, 6), 0.5, np.float32)
_OPENED = itertools.count()


def samples(*names, alpha=_ALPHA, trimap=None):
    return [Sample(name, _PICTURE, alpha, trimap) for name in names]


def opener(make, refuses=True):
    def open_split(root, split, options):
        if refuses and split != "test":
            raise NotFoundError(f"no split {split}")
        return make()

    return open_split


def alternating():
    return samples("a", "b") if next(_OPENED) % 2 else samples("b", "a")


@hookimpl
def register_datasets(register):
    flaws = {
        "good": lambda: samples("a", "b"),
        "opens": lambda: ["a.png"],
        "empty": lambda: [],
        "folders": lambda: samples("a/b", "c"),
        "hidden": lambda: samples(".a", "b"),
        "twice": lambda: samples("a", "a"),
        "order": alternating,
        "alpha": lambda: samples("a", "b", alpha=_ALPHA * 4),
        "size": lambda: samples("a", "b", alpha=_ALPHA[1:]),
        "trimap": lambda: samples("a", "b", trimap=np.full((4, 6), 7, np.uint8)),
        "more": lambda: samples("a", "b", "c"),
        "fewer": lambda: samples("a"),
    }
    for name, make in flaws.items():
        count = None if name in ("opens", "empty") else 2
        register(DatasetSpec(name, {"test": count}, opener(make)))
    register(DatasetSpec("splits", {"test": 2}, opener(flaws["good"], refuses=False)))
    register(DatasetSpec("counts", {"test": 2.5}, opener(flaws["fewer"])))


# --- Metrics -----------------------------------------------------------------------------------------


def mean(alpha, target, trimap):
    return float(np.abs(alpha - target).mean())


def modifies(alpha, target, trimap):
    alpha -= target
    return float(np.abs(alpha).mean())


@hookimpl
def register_metrics(register):
    rows, drawn = np.mgrid[:100, :100], np.random.default_rng
    flaws = {
        "GOOD": mean,
        "NAN": lambda a, t, m: float("nan") if not t.any() else mean(a, t, m),
        "TYPE": lambda a, t, m: np.abs(a - t).mean().astype(np.float32),
        "PERFECT": lambda a, t, m: 1 + mean(a, t, m),
        "MIRROR": lambda a, t, m: float((np.abs(a - t) * rows[1][: a.shape[0], : a.shape[1]]).mean()),
        "PURE": modifies,
        "RANDOM": lambda a, t, m: mean(a, t, m) * float(drawn().uniform(1, 1 + 1e-7)),
        "ORDERING": lambda a, t, m: float(np.abs(a - t).mean() * (0.3 - np.abs(a - t).mean())),
        "FLOAT": lambda a, t, m: float(np.abs(a.astype(np.float32) - t.astype(np.float32)).mean(dtype=np.float64)),
        "COUNTS": lambda a, t, m: float(((a > 0.5) != (t > 0.5)).mean()),
    }
    for name, compute in flaws.items():
        register(MetricSpec(name, compute))
    register(MetricSpec("TRIMAP", mean, needs_trimap=True))
    register(MetricSpec("HIGHER", lambda a, t, m: 1 - mean(a, t, m), lower_is_better=False))
    register(MetricSpec("WRONG-WAY", mean, lower_is_better=False))
