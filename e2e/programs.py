"""Runs other programs for the checks of this folder: a check ends where one is missing or fails."""

import os
import shutil
import subprocess
import sys
import venv


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


def libraries(folder, *names):
    """Installs libraries from PyPI into a folder of their own, and returns where their programs are."""
    place = os.path.join(folder, "libraries")
    venv.create(place, with_pip=True)
    programs = os.path.join(place, "bin")
    run(os.path.join(programs, "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check", *names)
    return programs
