"""The plugin keeps its side of the contract: what every backbone states, and a small one of four families in action.

``zoo plugins check mindcv`` builds and runs all of them, which takes a quarter of an hour.
"""

from zoo.testing import plugin_checks

test_plugin = plugin_checks("mindcv", only="mindcv")
test_weights = plugin_checks("mindcv", only="weights")
test_mobilenet = plugin_checks("mindcv", only="mobilenet_v2_035_96")
test_resnet = plugin_checks("mindcv", only="resnet18:[!w]*")
test_repvgg = plugin_checks("mindcv", only="repvgg_a0:[!w]*")
test_convnext = plugin_checks("mindcv", only="convnextv2_atto")
