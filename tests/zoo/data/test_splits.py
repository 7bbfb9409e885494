import hashlib

import pytest

from registry import DatasetSpec, NotFoundError, Sample, UsageError
from zoo.data import splits
from zoo.data.folder import SPEC as FOLDER
from zoo.data.p3m10k import SPEC as P3M

NAMES = [f"p_{i:08x}" for i in range(10)]
SAMPLES = [Sample(name, None) for name in NAMES]


@pytest.mark.parametrize("asked", ["P3M-500-NP", "P3M_500_NP", "p3m_500-np"])
def test_spellings(asked):
    assert splits.split_name(P3M, asked) == "P3M-500-NP"


def test_val_is_known_where_it_can_be_cut():
    assert splits.split_name(P3M, "val") == "val"
    with pytest.raises(NotFoundError, match="x has no split 'val'; splits: test"):
        splits.split_name(DatasetSpec("x", {"test": None}, lambda *_: []), "val")


def test_unknown():
    with pytest.raises(NotFoundError) as caught:
        splits.split_name(P3M, "P3M-NP")
    assert str(caught.value) == (
        "P3M-10k has no split 'P3M-NP'; splits: train, val, P3M-500-P, P3M-500-NP. Did you mean 'P3M-500-NP'?"
    )


def test_underscored_names_of_others_are_kept():
    spec = DatasetSpec("x", {"Test_A": None, "test-a2": None}, lambda *_: [])
    assert splits.split_name(spec, "Test_A") == "Test_A"
    assert splits.split_name(spec, "test-a") == "Test_A"


def test_splits_for_reporting():
    assert splits.test_splits(P3M) == ["P3M-500-P", "P3M-500-NP"]
    assert splits.test_splits(FOLDER) == ["test"]


@pytest.mark.parametrize(("total", "count"), [(2, 1), (4, 1), (10, 2), (499, 99), (500, 100), (9421, 100)])
def test_default_count(total, count):
    train, val = splits.validation_slice([Sample(str(i), None) for i in range(total)])
    assert len(val) == count
    assert len(train) == total - count


def test_slice_goes_by_the_digest_of_the_name():
    by_digest = sorted(NAMES, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    train, val = splits.validation_slice(SAMPLES, 3)
    assert [s.name for s in val] == sorted(by_digest[:3])
    assert [s.name for s in train] == sorted(by_digest[3:])


def test_slice_does_not_depend_on_order():
    there, back = splits.validation_slice(SAMPLES, 3), splits.validation_slice(SAMPLES[::-1], 3)
    assert {s.name for s in there[1]} == {s.name for s in back[1]}


def test_a_smaller_slice_is_part_of_a_larger():
    small, large = (splits.validation_slice(SAMPLES, count)[1] for count in (2, 5))
    assert {s.name for s in small} < {s.name for s in large}


def test_none_set_apart():
    assert splits.validation_slice(SAMPLES, 0) == (SAMPLES, [])
    assert splits.validation_slice(SAMPLES[:1], 0) == (SAMPLES[:1], [])


@pytest.mark.parametrize("count", [10, 11])
def test_nothing_left_to_train_on(count):
    with pytest.raises(
        UsageError, match=rf"^data\.val: {count} of 10 training .* give 9 at most, or 0 to train without$"
    ):
        splits.validation_slice(SAMPLES, count)


def test_one_picture_cannot_be_split():
    with pytest.raises(UsageError, match=r"^data\.val: 1 of 1 training pictures .*; give 0 to train without$"):
        splits.validation_slice(SAMPLES[:1])


def test_name_that_is_no_unicode():
    odd = [Sample("caf\udce9", None), *SAMPLES]
    assert len(splits.validation_slice(odd, 2)[1]) == 2
