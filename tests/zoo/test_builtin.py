import subprocess
import sys

from registry import load


def test_core_data_sets():
    assert {"P3M-10k", "folder", "demo"} <= set(load(only=[]).datasets)


def test_listing_needs_no_heavy_library():
    code = (
        "import sys, zoo.builtin as b; b.register_datasets(lambda s: s); b.register_metrics(lambda s: s); "
        "print(sorted({'cv2', 'scipy', 'mindspore'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
