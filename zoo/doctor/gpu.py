"""The card and everything that MindSpore needs on it, each by itself, then one real addition."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial

from zoo.doctor.finding import FAILED, NOTE, OK, Finding
from zoo.gpu import addition, cache, driver, kernels, libraries, toolkit
from zoo.gpu.error import GpuError
from zoo.gpu.preload import Loaded, preload

_finding = partial(Finding, "gpu")

_OTHER_WHEEL = "use --device CPU; or take MindSpore's wheel from PyPI for Linux x86_64, which holds them"


def findings(device: str | None) -> Iterator[Finding]:
    """Look at the card, in the order in which one thing needs the other.

    Args:
        device: Value of ``--device``; on the CPU, no more than whether there is a card is said.

    Raises:
        UsageError: There is no such device.
    """
    from zoo.engine import device as devices

    wanted = devices.parse(device)
    if wanted.target != "GPU":
        yield _not_asked()
        return
    sound = True
    for finding in _needs(wanted.index):
        sound = sound and finding.status != FAILED
        yield finding
    if sound:
        yield _addition(wanted.index, driver.look().cards[wanted.index])


def _not_asked() -> Finding:
    if not driver.is_there():
        return _finding("driver", OK, "no NVIDIA driver here, and no GPU was asked for")
    try:
        names = ", ".join(str(card) for card in driver.look().cards)
    except GpuError as problem:
        return _finding("driver", NOTE, problem.found, f"{problem.advice}; the CPU needs none of it")
    return _finding("driver", NOTE, f"{names}; not asked for", "zoo doctor --device GPU looks whether it can be used")


def _needs(index: int) -> Iterator[Finding]:
    yield _numpy()
    found = None
    try:
        found = driver.look()
        yield _finding("driver", OK, str(found))
        yield _finding(f"GPU:{index}", OK, str(driver.card(found, index)))
    except GpuError as problem:
        yield _failed("driver" if found is None else f"GPU:{index}", problem)
    runtime = None
    for library in libraries.LIBRARIES:
        try:
            loaded = preload(library)
        except GpuError as problem:
            yield _failed(library.soname, problem)
            continue
        runtime = loaded if library is libraries.RUNTIME else runtime
        yield _finding(library.soname, OK, str(loaded))
    yield _cuda_home(runtime)
    yield _plugin()
    card = found.cards[index] if found is not None and index < len(found.cards) else None
    if card is not None:
        yield from _kernels(card)
    if found is not None and len(found.cards) > 1:
        yield _several(len(found.cards))


def _failed(name: str, problem: GpuError) -> Finding:
    return _finding(name, FAILED, problem.found, problem.advice)


def _numpy() -> Finding:
    import numpy as np

    if int(np.__version__.split(".")[0]) < 2:
        return _finding("numpy", OK, np.__version__)
    text = f"{np.__version__}, with which the operators of MindSpore 2.10 fail on every device"
    return _finding("numpy", FAILED, text, 'pip install "numpy<2"')


def _cuda_home(runtime: Loaded | None) -> Finding:
    name, place = toolkit.VARIABLE, os.environ.get(toolkit.VARIABLE)
    told = toolkit.release(place) if place else None
    if told is not None and told[0] == toolkit.MAJOR:
        return _finding(name, OK, f"{place}, whose nvcc says {told[0]}.{told[1]}: MindSpore goes by it")
    if runtime is None:
        return _finding(name, NOTE, f"{place or 'not set'}; it matters once {libraries.RUNTIME.soname} is there")
    try:
        version = toolkit.runtime_version(runtime)
        answer = f"zoo answers MindSpore's question for CUDA with {version[0]}.{version[1]}, the runtime loaded"
        toolkit.stand_in(version)
    except GpuError as problem:
        return _failed(name, problem)
    if not place:
        return _finding(name, OK, f"not set; {answer}")
    says = f"says {told[0]}.{told[1]}" if told else "says nothing"
    text = f"{place}, whose nvcc {says} and MindSpore needs {toolkit.MAJOR}; {answer}"
    return _finding(name, NOTE, text, "nothing to do: it is set aside while zoo imports MindSpore, and only then")


def _plugin() -> Finding:
    found = kernels.plugins()
    if not found or kernels.library() is None:
        return _finding("plugin", FAILED, "this MindSpore holds no GPU plugin with kernels", _OTHER_WHEEL)
    return _finding("plugin", OK, f"{', '.join(path.name for path in found)} in {found[0].parent}")


def _kernels(card: driver.Card) -> Iterator[Finding]:
    """How MindSpore's own kernels get onto the card, and where the driver keeps what it makes of them."""
    path = kernels.library()
    if path is None:
        return
    try:
        code = kernels.read(path)
    except (ValueError, OSError) as error:
        yield _finding("kernels", FAILED, f"{path}: {error}", "pip install --force-reinstall --no-deps mindspore")
        return
    have = ", ".join(f"sm_{number}" for number in sorted(code.machine))
    sm = f"sm_{card.capability[0]}{card.capability[1]}"
    if code.is_native(card.capability):
        yield _finding("kernels", OK, f"{code.modules} modules with machine code for {have}: {sm} runs it as it is")
        return
    if not code.can_compile(card.capability):
        text = f"{code.modules} modules for {have}, and nothing from which the driver could make code for {sm}"
        yield _finding("kernels", FAILED, text, "use --device CPU, or a card of capability 6.0 or above")
        return
    store = cache.look()
    text = f"no machine code for {sm} (there is {have}): the driver compiles {code.modules} modules at the first start"
    if store.off:
        advice = "unset CUDA_CACHE_DISABLE, with which every single start compiles anew"
    elif store.size_mib < cache.NEEDED_MIB:
        advice = f"let the first start take its time, 10 to 20 minutes perhaps; what it makes stays in {store.path}"
    else:
        advice = "nothing to do, if that cache is of this card, driver and MindSpore"
    yield _finding("kernels", NOTE, f"{text}; its cache: {store}", advice)


def _several(count: int) -> Finding:
    library = libraries.NCCL
    if libraries.find(library) is None:
        text = f"{count} cards, and MindSpore's own NCCL has code for sm_60 only"
        return _finding("several cards", NOTE, text, f'to train on several: pip install "{library.requirement}"')
    try:
        return _finding("several cards", OK, f"{count} cards; NCCL: {preload(library)}")
    except GpuError as problem:
        return _failed("several cards", problem)


def _addition(index: int, card: driver.Card) -> Finding:
    path = kernels.library()
    native = path is not None and kernels.read(path).is_native(card.capability)
    limit = addition.NATIVE_SECONDS if native else addition.COMPILING_SECONDS
    try:
        seconds = addition.add(index, limit)
    except GpuError as problem:
        return _failed("addition", problem)
    return _finding("addition", OK, f"two tensors added on the card, {seconds:.0f} s from the start of a process on")
