"""A small workspace with evidence, an account that may do everything, and its server, for the checks of this folder."""

import os
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request

from programs import fail, run

FILES = {
    "keiki.toml": 'language = "en"\nzone = "Asia/Tokyo"\n\n[organisation]\nname = { ja = "架空", en = "Fictional" }\n',
    "org.csv": "id,parent_id,name_ja,name_en,kind,country,valid_from,valid_until,successor_id\n"
               "HD,,架空親会社,Parent Company,group,JP,,,\n"
               "JP1,HD,架空製造,Manufacturing,subsidiary,JP,,,\n",
    "programme.toml": "[adopted]\nkpis = [1, 7]\n",
    "sources/assets.toml": 'name = "assets"\nkind = "csv"\ndataset = "assets"\nplace = "evidence/assets.csv"\ncovers = ["HD"]\n',
    "evidence/assets.csv": "asset_id,org_unit,kind,name,is_in_scope,owner_id,owner_assigned_on,declared_on,inventoried_on,inventoried_by,disposed_on\n"
                           "A1,JP1,hardware,one,true,E1,2026-04-01,2026-05-01,2026-05-01,declaration,\n"
                           "A2,JP1,hardware,two,true,,,,,,\n"
                           "A3,JP1,hardware,no day,true,,,31 April 2026,,,\n",
}
ROLES = "executive,programme_office,data_owner,approver,auditor,administrator,personal_reader"


def make(keiki, workspace):
    """Makes the workspace. Returns the path of the link by which the account `tester` sets its password."""
    for name, text in FILES.items():
        path = os.path.join(workspace, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    run(keiki, "ingest", "--as-of", "2026-05-31", "--workspace", workspace, codes=(0, 3))
    said = run(keiki, "user", "add", "tester", "--role", ROLES, "--workspace", workspace)
    return re.search(r"/welcome/\w+", said).group()


def serve(keiki, workspace, environment=None):
    """Starts the server, in an environment of its own where one is given. Returns its process and its address, once it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([keiki, "serve", workspace, "--listen", f"127.0.0.1:{port}"], stdout=subprocess.DEVNULL, env=environment)
    url = f"http://127.0.0.1:{port}"
    for _ in range(600):
        if process.poll() is not None:
            fail("the server stopped")
        try:
            with urllib.request.urlopen(f"{url}/sign-in", timeout=5):
                return process, url
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    fail("the server does not answer")
