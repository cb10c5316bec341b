"""Other engines read the same books: DuckDB, Polars and Spark open the tables of the sample group's journal and compute three KPIs by the
SQL that `keiki explain --sql` prints, which then have to be the figures of `keiki measure`, cell by cell.

    check.py KEIKI [ENGINE..]

duckdb, polars, deltalake and pyspark are installed from PyPI into a folder of their own; Spark needs Java 17. Which files a table has is
read from its Delta log. Exit code: 0 all agree, 1 something does not, 2 a tool is missing or fails.
"""

import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from programs import fail, libraries, run  # noqa: E402 (the folder beside this one)

LIBRARIES = {
    "duckdb": ["duckdb==2.0.1", "deltalake==1.6.6", "pyarrow==26.0.1"],
    "polars": ["polars==2.1.0", "deltalake==1.6.6", "pyarrow==26.0.1"],
    "spark": ["pyspark==4.3.0", "deltalake==1.6.6"],
}


def main(keiki, *engines):
    engines = engines or tuple(LIBRARIES)
    if "spark" in engines and shutil.which("java") is None:
        fail("not installed: java")
    with tempfile.TemporaryDirectory() as folder:
        names = sorted({library for engine in engines for library in LIBRARIES[engine]})
        python = os.path.join(libraries(folder, *names), "python")
        workspace = os.path.join(folder, "demo")
        run(keiki, "--language", "en", "demo", workspace, "--no-serve")
        done = subprocess.run([python, os.path.join(HERE, "reproduce.py"), keiki, workspace, *engines], check=False)
        sys.exit(done.returncode)


if len(sys.argv) < 2 or not set(sys.argv[2:]) <= set(LIBRARIES):
    sys.exit(__doc__)
main(os.path.abspath(sys.argv[1]), *sys.argv[2:])
