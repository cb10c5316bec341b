"""Other engines read the same books: DuckDB, Polars and Spark open the tables of the sample group's journal and compute three KPIs by the
SQL that `keiki explain --sql` prints, which then have to be the figures of `keiki measure`, cell by cell.

    check.py KEIKI [ENGINE..]

duckdb, polars, deltalake and pyspark are installed from PyPI into a folder of their own; Spark needs Java 17. Which files a table has is
read from its Delta log. Where KEIKI was built with `--features keiki/cluster`, all do so once more with the journal on an object store
(moto, on this machine): Spark by deltalake there, since what it reads S3 with itself, hadoop-aws, is not on PyPI. Exit code: 0 all agree, 1
something does not, 2 a tool is missing or fails.
"""

import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from programs import fail, libraries, run  # noqa: E402 (the folder beside this one)
from store import MOTO, Objects  # noqa: E402

LIBRARIES = {
    "duckdb": ["duckdb==2.0.1", "deltalake==1.6.6", "pyarrow==26.0.1"],
    "polars": ["polars==2.1.0", "deltalake==1.6.6", "pyarrow==26.0.1"],
    "spark": ["pyspark==4.3.0", "deltalake==1.6.6", "pyarrow==26.0.1"],
}


def main(keiki, *engines):
    engines = engines or tuple(LIBRARIES)
    if "spark" in engines and shutil.which("java") is None:
        fail("not installed: java")
    with tempfile.TemporaryDirectory() as folder:
        names = sorted({library for engine in engines for library in LIBRARIES[engine]})
        programs = libraries(folder, *names, MOTO)
        workspace = os.path.join(folder, "demo")
        run(keiki, "--language", "en", "demo", workspace, "--no-serve")
        reproduced(programs, keiki, workspace, os.path.join(workspace, ".keiki", "journal"), engines)
        on_objects(programs, keiki, workspace, folder, engines)


def reproduced(programs, keiki, workspace, journal, engines, environment=None):
    """Ends the check where engines compute something else."""
    command = [os.path.join(programs, "python"), os.path.join(HERE, "reproduce.py"), keiki, workspace, journal, *engines]
    done = subprocess.run(command, env=environment, check=False)
    if done.returncode:
        sys.exit(done.returncode)


def on_objects(programs, keiki, workspace, folder, engines):
    """The same with the journal on an object store, where a backup is put back to."""
    print("The journal on an object store", flush=True)
    objects = Objects(programs)
    try:
        journal, moved, backup = "s3://books/demo", os.path.join(folder, "moved"), os.path.join(folder, "backup")
        environment = dict(os.environ, AWS_ACCESS_KEY_ID="keiki", AWS_SECRET_ACCESS_KEY="keiki", AWS_REGION="us-east-1", AWS_ENDPOINT_URL=objects.url,
                           AWS_ALLOW_HTTP="true")
        run(keiki, "backup", backup, "--workspace", workspace, env=environment)
        restore = [keiki, "--language", "en", "restore", backup, moved, "--journal", journal]
        done = subprocess.run(restore, env=environment, capture_output=True, text=True, check=False)
        if "built without object stores" in done.stderr:
            print("left out: this program was built without object stores", flush=True)
            return
        if done.returncode:
            fail(done.stderr)
        reproduced(programs, keiki, moved, journal, engines, environment)
    finally:
        objects.process.kill()


if len(sys.argv) < 2 or not set(sys.argv[2:]) <= set(LIBRARIES):
    sys.exit(__doc__)
main(os.path.abspath(sys.argv[1]), *sys.argv[2:])
