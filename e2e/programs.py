"""Runs other programs for the checks of this folder: a check ends where one is missing or fails."""

import shutil
import subprocess
import sys


def fail(message):
    """Ends the check: a tool is missing or fails."""
    print(message, file=sys.stderr)
    sys.exit(2)


def run(*command, codes=(0,), **more):
    """Runs a command and returns what it prints."""
    if shutil.which(command[0]) is None:
        fail(f"not installed: {command[0]}")
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, **more)
    if done.returncode not in codes:
        fail(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done.stdout
