"""Published results on P3M-10k, as far as they could be read at a source.

Whole image, native resolution, no trimap, trained on the blurred pictures and tested on the split named, unless the
setting says otherwise. MSE and MAD are plain values: the tables of the papers print them times 1000. Figures that
contradict others, or that we know only at second hand from memory, are left out. Figures of a model that a plugin
offers are in its card.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_P, _NP = "P3M-500-P", "P3M-500-NP"

_P3M = "JizhiziLi/P3M, README"
_ISSUE = "JizhiziLi/P3M, issue 11 (a user's retraining)"
_RECHANNEL = "ReChannel paper, table 2"
_GENERATION = "Matting by Generation (SIGGRAPH 2024), table 1"
_GENERATION_2 = "Matting by Generation (SIGGRAPH 2024), table 2"
_SAM2 = "SAM2Matting paper, as quoted in a reading note"
_480 = "480 pictures: 20 ambiguous ones removed"

_DIALECTS = {_P3M: "p3m"}
"""Dialect of the sources whose evaluation code is known; of the others it is not stated."""


def _row(
    method: str, split: str, source: str, setting: str = "", given: str = "", **values: float
) -> Mapping[str, Any]:
    for name in ("MSE", "MAD", "MSE-T"):
        if name in values:
            values[name] = round(values[name] / 1000, 6)
    about = {"source": source, "setting": setting, "dialect": _DIALECTS.get(source, "not stated")}
    if given:
        about["given"] = given
    return {"method": method, "split": split, **values, **about}


def _removed(
    method: str, setting: str = "", given: str = "", source: str = _GENERATION, **values: float
) -> Mapping[str, Any]:
    row = _row(method, _P, source, f"{_480}; {setting}" if setting else _480, given, **values)
    return {**row, "n_images": 480}


def _transition(method: str, sad: float, mse: float) -> Mapping[str, Any]:
    return _row(method, _P, _P3M, "given a trimap, transition region", "trimap", **{"SAD-T": sad, "MSE-T": mse})


PUBLISHED: tuple[Mapping[str, Any], ...] = (
    _row("LF", _P, _P3M, SAD=42.95, MSE=19.1),
    _row("HATT", _P, f"{_P3M}; CONN: {_RECHANNEL}", SAD=25.99, MSE=5.4, CONN=25.29),
    _row("HATT", _NP, _RECHANNEL, SAD=30.53, MSE=7.2, CONN=27.42),
    _row("SHM", _P, f"{_P3M}; CONN: {_RECHANNEL}", SAD=21.56, MSE=10.0, CONN=17.53),
    _row("SHM", _NP, _RECHANNEL, SAD=20.77, MSE=9.3, CONN=17.09),
    _row("BASIC", _P, _P3M, "ablation of P3M-Net", SAD=15.13, MSE=5.8),
    _row("GFM", _P, _P3M, SAD=13.20, MSE=5.0),
    _row("P3M-Net ResNet-34", _P, _P3M, SAD=8.73, MSE=2.6),
    _row("P3M-Net ResNet-34", _NP, _P3M, SAD=11.23, MSE=3.5),
    _row("P3M-Net ResNet-34", _P, _ISSUE, "1 GPU, batch 8", SAD=9.61),
    _row("P3M-Net ResNet-34", _NP, _ISSUE, "1 GPU, batch 8", SAD=15.94),
    _row("P3M-Net ResNet-34", _P, _ISSUE, "4 GPUs, batch 32", SAD=9.61),
    _row("P3M-Net ResNet-34", _NP, _ISSUE, "4 GPUs, batch 32", SAD=13.55),
    _removed("P3M-Net ResNet-34", "re-measured", SAD=8.8, MSE=2.7, MAD=5.1, CONN=8.3),
    _row("P3M-Net ViTAE-S", _P, _RECHANNEL, SAD=6.24, MSE=1.5, CONN=5.86),
    _row("P3M-Net ViTAE-S", _NP, _RECHANNEL, SAD=7.59, MSE=1.9, CONN=6.96),
    _removed("P3M-Net ViTAE-S", "re-measured", SAD=7.4, MSE=1.8, MAD=4.3, CONN=7.2),
    _row("GenPercept", _P, _RECHANNEL, SAD=9.75, MSE=2.5, CONN=8.84),
    _row("GenPercept", _NP, _RECHANNEL, SAD=12.77, MSE=2.7, CONN=10.46),
    _row("ReChannel-4B", _P, _RECHANNEL, SAD=5.99, MSE=1.3, CONN=5.73),
    _row("ReChannel-4B", _NP, _RECHANNEL, SAD=6.98, MSE=1.5, CONN=6.55),
    _row("ReChannel-9B", _P, _RECHANNEL, SAD=5.69, MSE=1.2, CONN=5.42),
    _row("ReChannel-9B", _NP, _RECHANNEL, SAD=6.67, MSE=1.4, CONN=6.23),
    _removed("Matting by Generation", SAD=7.1, MSE=1.6, MAD=4.1, CONN=6.8),
    _removed("Matting Anything", "given a mask", "mask", SAD=23.1, MSE=7.9, MAD=13.4, CONN=20.5),
    _row("Matting Anything", _NP, _SAM2, "given a mask", "mask", SAD=25.82, MSE=9.20, MAD=15.40, GRAD=14.22),
    _row("Matte Anything", _NP, _SAM2, SAD=10.70, MSE=2.80, CONN=10.00, GRAD=17.30),
    _row("SAM2Matting SAM2.1-T", _NP, _SAM2, SAD=6.78, MSE=1.07, MAD=3.92, CONN=6.34, GRAD=8.66),
    _row("SAM2Matting SAM3", _NP, _SAM2, SAD=6.61, MSE=0.97, MAD=3.83, CONN=5.84, GRAD=8.48),
    _removed("MG-Matting", "given a coarse mask made from the trimap", "mask", SAD=22.0, MSE=5.7, MAD=12.8, CONN=18.4),
    _row("RVM", _NP, "DnS-RVM, README", "not trained on P3M-10k", SAD=38.20, MSE=12.0),
    _transition("DIM", 4.89, 11.5),
    _transition("AlphaGAN", 5.27, 11.2),
    _transition("GCA", 4.36, 8.8),
    _transition("IndexNet", 5.20, 15.6),
    _transition("FBA", 4.13, 8.8),
    _removed("IndexNet", "given a trimap", "trimap", _GENERATION_2, SAD=7.0, MSE=1.2),
    _removed("MatteFormer", "given a trimap", "trimap", _GENERATION_2, SAD=6.9, MSE=1.4),
    _removed("DiffMat", "given a trimap", "trimap", _GENERATION_2, SAD=6.2, MSE=1.0),
)
"""One mapping for each method, split and source: ``method``, ``split``, metrics, ``source``, ``setting``, ``dialect``
(``not stated`` where the code that measured is not known); ``given`` (``trimap`` or ``mask``) where the method had one,
``n_images`` where it was not the whole split."""
