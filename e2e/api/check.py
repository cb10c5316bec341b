"""Sends the server what its OpenAPI document allows and what it forbids, by schemathesis, and fails where an answer is not what the document says.

    check.py KEIKI

It makes a small workspace and serves it on a free port. Schemathesis is installed from PyPI into a folder of its own. Exit code: 0 nothing was found, 1
something was, 2 a tool is missing or fails.
"""

import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from house import make, serve  # noqa: E402 (the folder beside this one)
from programs import libraries, run  # noqa: E402

SCHEMATHESIS = "schemathesis==4.32.5"
RIGHTS = "see,see_evidence,see_personal,submit,explain,certify,close,approve,audit,administer,define"


def main(keiki):
    with tempfile.TemporaryDirectory() as folder:
        programs = libraries(folder, SCHEMATHESIS)
        workspace = os.path.join(folder, "workspace")
        make(keiki, workspace)
        run(keiki, "user", "add", "victim", "--role", "executive", "--workspace", workspace)
        token = run(keiki, "token", "make", "tester", "schemathesis", "--right", RIGHTS, "--workspace", workspace).strip()
        process, url = serve(keiki, workspace)
        try:
            done = subprocess.run(
                [os.path.join(programs, "schemathesis"), "--config-file", os.path.join(HERE, "schemathesis.toml"),
                 "run", f"{url}/api/v1/openapi.json", "--header", f"Authorization: Bearer {token}"],
                cwd=folder)
        finally:
            process.terminate()
            process.wait()
        sys.exit(1 if done.returncode else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
