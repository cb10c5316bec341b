"""Makes the sample group with the built program, from nothing to the scorecard: demo.py FOLDER KEIKI"""
import os
import resource
import shutil
import subprocess
import sys
import time

folder, keiki = sys.argv[1], sys.argv[2]
for _ in range(3):
    shutil.rmtree(folder, ignore_errors=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    subprocess.run([keiki, "demo", folder], check=True, stdout=subprocess.DEVNULL)
    print(f"demo_seconds {time.monotonic() - began:.2f}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"demo_processor_seconds {processor:.2f}")
    print(f"demo_peak_mib {after.ru_maxrss // 1024}")
journal = os.path.join(folder, ".keiki", "journal", "batches")
print(f"demo_readings {sum(name.endswith('.parquet') for name in os.listdir(journal))}")
# One KPI from the kept cube, as a whole process.
for _ in range(20):
    began = time.monotonic()
    subprocess.run([keiki, "measure", "--kpi", "1", "--workspace", folder], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    print(f"measure_one_seconds {time.monotonic() - began:.4f}")
shutil.rmtree(folder)
