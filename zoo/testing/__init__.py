"""Conformance checks: does a plugin keep its side of the contract?

The same checks, one generator, for the command line and for the tests of a plugin. ``zoo plugins check NAME`` runs them
all; in the plugin's own tests two lines make one test of each::

    from zoo.testing import plugin_checks

    test_conformance = plugin_checks("NAME")

A plugin that has a good reason not to keep a rule says so in its module, and the check is not run::

    ZOO_DECLINED = {"NAME:macs": "the layers call convolution operators directly, which are not counted"}

The key is the name of a check, alone or behind what it is about (``SUBJECT:CHECK``).

    plugin     loads, import-light, declined
    model      config, builds, options, card, parameters, macs, alpha, alpha-in-training, sizes, batch-independence,
               deterministic, compiled, checkpoint, trimap, recipe
    stage      unlabelled, terms, gradients, compiled-step, loss-falls
    backbone   builds, maps, batch-independence, deterministic
    dataset    splits, opens, names, order, pictures, count
    metric     values, perfect, mirror, pure, ordering, float64
"""

from zoo.testing.check import Check, Outcome
from zoo.testing.everything import checks
from zoo.testing.for_pytest import plugin_checks

__all__ = ["Check", "Outcome", "checks", "plugin_checks"]
