"""Daemon and demo as processes: where they are, free ports, answers over HTTP.

Out: running processes that end with the block. Programs: XRAY_DAEMON and DEMO_APP, or what cargo built last.
"""

import contextlib
import os
import pathlib
import socket
import subprocess
import tempfile
import time
import urllib.request

from lib import ROOT, Skip

NAMES = {"xray-daemon": "XRAY_DAEMON", "demo-app": "DEMO_APP"}


def program(name):
    """The newest build of a program."""
    named = os.environ.get(NAMES[name])
    if named:
        return pathlib.Path(named)
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    built = [target / folder / name for folder in ("debug", "release", "x86_64-unknown-linux-gnu/release", "x86_64-unknown-linux-gnu/dist")]
    built = [path for path in built if path.exists()]
    if not built:
        raise Skip(f"no {name}; cargo build -p {name}, or {NAMES[name]} names one")
    return max(built, key=lambda path: path.stat().st_mtime)


def free_port():
    """A port that nobody has, for TCP."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def get(url, within_s=5):
    """Status and body; 0 while nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=within_s) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()
    except OSError:
        return 0, ""


def wait_for(what, check, within_s=60, process=None):
    """Polls until `check` gives something; fails with what was waited for."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        found = check()
        if found:
            return found
        if process is not None and process.poll() is not None:
            raise AssertionError(f"{what}: the process ended with {process.returncode}\n{process.log()}")
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within {within_s} s" + (f"\n{process.log()}" if process else ""))


@contextlib.contextmanager
def running(*command, env=None, **options):
    """A process while the block runs; what it prints is in log()."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT,
            env={**clean(), **(env or {})}, **options,
        )

        def log():
            said.seek(0)
            return said.read().decode(errors="replace")

        process.log = log
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def clean():
    """The environment without what would lead a client to AWS."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "XRAY_"))}
    return {**kept, "AWS_EC2_METADATA_DISABLED": "true"}
