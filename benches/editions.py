"""Times the editions of the sample group's statement: `keiki statement` from start to end, its journal read and twelve periods before
it measured included.

    editions.py FOLDER KEIKI
"""
import os
import shutil
import subprocess
import sys
import time

folder, keiki = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
PERIOD = "2026-09"
TIMES = 5


def run(*words):
    subprocess.run([keiki, "--quiet", "--language", "ja", *words], check=True, stdout=subprocess.DEVNULL)


shutil.rmtree(folder, ignore_errors=True)
run("demo", folder)
os.chdir(folder)
run("close", PERIOD, "--reason", "benchmark", "--agreed-by", "second person")
for name, words in {
    "pdf_board": ("--format", "pdf"),
    "pdf_full": ("--format", "pdf", "--edition", "full"),
    "html": ("--format", "html"),
    "xlsx": ("--format", "xlsx"),
    "json": ("--format", "json"),
}.items():
    for _ in range(TIMES):
        begun = time.perf_counter()
        run("statement", PERIOD, *words, *([] if name == "json" else ["--output", f"statement.{name}"]))
        print(f"{name}_seconds {time.perf_counter() - begun:.3f}", flush=True)
    if name != "json":
        print(f"{name}_bytes {os.path.getsize(f'statement.{name}')}", flush=True)
