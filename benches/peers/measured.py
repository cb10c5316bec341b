"""Measures how long figures take in this process, writes them down and says it."""
import json
import resource
import time


def write(figures, output):
    """Computes the figures by a call, writes them into a file and prints time and memory as JSON."""
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    found = list(figures())
    wall = time.perf_counter() - began
    used = resource.getrusage(resource.RUSAGE_SELF)
    processor = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    with open(output, "w", encoding="utf-8") as file:
        for figure in found:
            print(*figure, sep=",", file=file)
    print(json.dumps({"wall": wall, "processor": processor, "peak_mib": used.ru_maxrss // 1024}))
