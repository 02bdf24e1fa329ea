"""Runs the checks of one file and says how they went.

In: functions marked with @check. Out: a line each, and `N passed, N failed, N skipped`; exit code 1
after a failure. Owns the paths of the tools. With XRAY_TESTS=all a check that cannot run has failed.
"""

import functools
import os
import pathlib
import subprocess
import sys
import time
import traceback

K8S = pathlib.Path(__file__).resolve().parent.parent
ROOT = K8S.parent
TOOLS = K8S / ".tools"
FAST = os.environ.get("K8S_CHECK") == "fast"

_checks = []


class Skip(Exception):
    """A component is missing; the text says which, and what brings it."""


class Unlisted(Skip):
    """Something that no package registry brings; a machine without it skips, even when all is asked for."""


def check(function):
    """Marks a check. Its name, with spaces, is what it claims."""
    _checks.append(function)
    return function


def slow(function):
    """Leaves a check out of fast mode."""

    @functools.wraps(function)
    def checked():
        if FAST:
            raise Skip("left out by fast mode")
        return function()

    return checked


def run(*command, ok=True, **options):
    """Runs a command to its end; fails with its output unless it ends with 0."""
    options.setdefault("timeout", 300)
    ended = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    if ok and ended.returncode != 0:
        shown = " ".join(str(part) for part in command)
        raise AssertionError(f"{shown}\nended with {ended.returncode}\n{ended.stdout}{ended.stderr}")
    return ended


def tool(path, brings):
    """A program under .tools, or a skip that says what brings it."""
    found = TOOLS / path
    if not found.exists():
        raise Skip(f"no {found.name}; {brings}")
    return found


def equal(found, expected, what):
    """Compares, and shows both when they differ."""
    if found != expected:
        raise AssertionError(f"{what}:\n  found    {found!r}\n  expected {expected!r}")


def main():
    """Runs every check of the file."""
    everything = os.environ.get("XRAY_TESTS") == "all"
    passed = failed = skipped = 0
    # A file may borrow from another; its checks stay there.
    for function in (found for found in _checks if found.__module__ == "__main__"):
        name = function.__name__.replace("_", " ")
        began = time.monotonic()
        try:
            function()
        except Skip as reason:
            if everything and not FAST and not isinstance(reason, Unlisted):
                failed += 1
                print(f"FAILED {name}: cannot run: {reason}")
            else:
                skipped += 1
                print(f"SKIPPED {name}: {reason}")
        except AssertionError as wrong:
            failed += 1
            print(f"FAILED {name}\n{wrong}")
        except Exception:
            failed += 1
            print(f"FAILED {name}")
            traceback.print_exc(file=sys.stdout)
        else:
            passed += 1
            print(f"ok {name} ({time.monotonic() - began:.1f} s)")
        sys.stdout.flush()
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(1 if failed else 0)
