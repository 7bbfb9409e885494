import signal
import subprocess
import sys
import threading

from zoo.interrupt import ctrl_c

# What MindSpore does to SIGINT, only worse: a handler in C that ends the process with the number of the signal.
CODE = """
import ctypes, os, signal, time
from zoo.interrupt import ctrl_c

libc = ctypes.CDLL(None)
libc.signal.argtypes = [ctypes.c_int, ctypes.c_void_p]
with ctrl_c():
    libc.signal(signal.SIGINT, ctypes.cast(libc._exit, ctypes.c_void_p))
    try:
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(100):
            time.sleep(0.05)
    except KeyboardInterrupt:
        print("KeyboardInterrupt")
"""


def test_a_handler_of_a_library_is_not_asked():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "KeyboardInterrupt\n"), done.stderr
    without = CODE.replace("with ctrl_c():", "if True:")
    assert subprocess.run([sys.executable, "-c", without], check=False).returncode == signal.SIGINT


def test_afterwards_everything_is_as_before():
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    with ctrl_c():
        assert signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


def test_outside_the_main_thread_nothing_happens():
    seen = []

    def inside():
        with ctrl_c():
            seen.append(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ()))

    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    assert seen == [False]
