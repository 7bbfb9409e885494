"""What can be wrong with a data set: how bad it is, how it is called, what to do about it. Worst first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

ERROR, WARNING, NOTE = "error", "warning", "note"
"""Training or evaluation refuses it, or figures made with it do not hold; it may spoil them; it is good to know."""

LEVELS = (ERROR, WARNING, NOTE)


@dataclass(frozen=True)
class Rule:
    """A defect.

    Attributes:
        level: One of `LEVELS`.
        one: What it is, of one picture or file, or of the split as a whole.
        many: What it is, of several; of a split the same.
        advice: What to do.
    """

    level: str
    one: str
    many: str
    advice: str


_AGAIN = "fetch or save them again, or remove them together with their partners"

RULES: Mapping[str, Rule] = {
    "split-broken": Rule(
        ERROR,
        "there, but cannot be opened",
        "there, but cannot be opened",
        "put it right; its pictures were not examined",
    ),
    "train-in-test": Rule(
        ERROR,
        "picture is in train, too",
        "pictures are in train, too",
        "figures on this split would count what was learnt by heart: remove them from train",
    ),
    "image-unreadable": Rule(ERROR, "image cannot be read", "images cannot be read", _AGAIN),
    "image-damaged": Rule(
        ERROR,
        "image is damaged within: part of what is decoded is made up",
        "images are damaged within: part of what is decoded is made up",
        _AGAIN,
    ),
    "no-image": Rule(ERROR, "image is not there", "images are not there", _AGAIN),
    "no-mask": Rule(
        ERROR, "image has no mask", "images have no mask", "add the mask under the image's name, or remove the image"
    ),
    "mask-unreadable": Rule(ERROR, "mask cannot be read", "masks cannot be read", _AGAIN),
    "mask-damaged": Rule(
        ERROR,
        "mask is damaged within: part of what is decoded is made up",
        "masks are damaged within: part of what is decoded is made up",
        _AGAIN,
    ),
    "mask-values": Rule(
        ERROR, "mask is no matte", "masks are no mattes", "save the matte as a grey picture without transparency"
    ),
    "mask-size": Rule(
        ERROR, "mask has another size than its image", "masks have another size than their images", "give both one size"
    ),
    "partly-labelled": Rule(
        ERROR,
        "image has no mask while others have",
        "images have no mask while others have",
        "train on one kind at a time",
    ),
    "trimap-unreadable": Rule(ERROR, "trimap cannot be read", "trimaps cannot be read", _AGAIN),
    "no-trimap": Rule(ERROR, "trimap is not there", "trimaps are not there", _AGAIN),
    "trimap-damaged": Rule(ERROR, "trimap is damaged within", "trimaps are damaged within", _AGAIN),
    "trimap-values": Rule(
        ERROR,
        "trimap has other values than 0, 128 and 255",
        "trimaps have other values than 0, 128 and 255",
        "save them without loss, as PNG, or remove them and run zoo data prepare",
    ),
    "trimap-size": Rule(
        ERROR,
        "trimap has another size than its image",
        "trimaps have another size than their images",
        "remove them and run zoo data prepare",
    ),
    "no-masks": Rule(
        ERROR,
        "no masks, so nothing to score against",
        "no masks, so nothing to score against",
        "put the folder of masks beside that of the images",
    ),
    "image-stray": Rule(
        WARNING,
        "image has stray bytes in its file",
        "images have stray bytes in their files",
        "padding of the program that saved it, or a hole in the file: look at it",
    ),
    "mask-stray": Rule(
        WARNING,
        "mask has stray bytes in its file",
        "masks have stray bytes in their files",
        "padding of the program that saved it, or a hole in the file: look at it",
    ),
    "trimap-stray": Rule(
        WARNING,
        "trimap has stray bytes in its file",
        "trimaps have stray bytes in their files",
        "padding of the program that saved it, or a hole in the file: look at it",
    ),
    "trimap-contradicts": Rule(
        WARNING,
        "trimap contradicts its mask",
        "trimaps contradict their masks",
        "are they of other pictures? Else remove them and run zoo data prepare",
    ),
    "split-absent": Rule(
        WARNING, "published, but not there", "published, but not there", "it cannot be trained or scored on"
    ),
    "count": Rule(
        WARNING,
        "not the published count",
        "not the published count",
        "figures on it are not comparable with published ones; a report says so in its first line",
    ),
    "same-pictures": Rule(
        WARNING,
        "the same pictures as another split",
        "the same pictures as another split",
        "a model trained on them is not tested by them: make folders train and test",
    ),
    "mask-binary": Rule(
        WARNING,
        "mask is binary, next to nothing between 0 and 1",
        "masks are binary, next to nothing between 0 and 1",
        "binary masks spoil a matting model: it learns hard edges. Are they segmentations? Leave them out",
    ),
    "mask-empty": Rule(
        WARNING, "mask is empty, 0 everywhere", "masks are empty, 0 everywhere", "is there nobody? Leave them out"
    ),
    "mask-full": Rule(
        WARNING, "mask is full, 1 everywhere", "masks are full, 1 everywhere", "is there no background? Leave them out"
    ),
    "mask-without-image": Rule(
        WARNING, "mask has no image", "masks have no image", "they are not used: is an image lost?"
    ),
    "trimap-without-image": Rule(
        WARNING, "trimap has no image", "trimaps have no image", "they are not used: is an image lost?"
    ),
    "copies-across": Rule(
        WARNING,
        "picture is in two splits",
        "pictures are in two splits",
        "the splits are not independent: keep one of each",
    ),
    "copies-within": Rule(
        WARNING,
        "picture is there more than once",
        "pictures are there more than once",
        "each counts as often: keep one of each",
    ),
    "some-trimaps": Rule(
        WARNING,
        "picture has no trimap while others have",
        "pictures have no trimap while others have",
        "theirs are made from the mask while scoring; zoo data prepare writes them",
    ),
    "turned-unsure": Rule(
        WARNING,
        "image is turned by its EXIF orientation and its mask is not",
        "images are turned by their EXIF orientation and their masks are not",
        "zoo turns the image, and the sizes do not tell whether the mask fits: look at them",
    ),
    "turned": Rule(
        NOTE,
        "image is turned by its EXIF orientation",
        "images are turned by their EXIF orientation",
        "zoo turns it as its mask asks; other programs may not: save the pixels as they are to be seen",
    ),
    "place": Rule(
        NOTE,
        "image says where it was taken (GPS)",
        "images say where they were taken (GPS)",
        "privacy: remove it before you hand the pictures on",
    ),
    "camera": Rule(
        NOTE,
        "image names a camera, owner or serial number (EXIF)",
        "images name a camera, owner or serial number (EXIF)",
        "privacy: remove it before you hand the pictures on",
    ),
    "other-files": Rule(
        NOTE,
        "file beside the images is no picture zoo reads",
        "files beside the images are no pictures zoo reads",
        "they are not used",
    ),
    "no-masks-train": Rule(NOTE, "no masks", "no masks", "only stages that need none can be trained on it"),
    "no-trimaps": Rule(
        NOTE,
        "no trimaps",
        "no trimaps",
        "they are made from the masks while scoring; zoo data prepare writes them",
    ),
}
"""Code -> rule, in the order of a report."""
