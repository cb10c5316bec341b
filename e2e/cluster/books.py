"""The books that the check beside it measures: workspaces, their evidence, and the program run over them."""

import json
import os
import random
import re
import shutil
import subprocess

from programs import fail

SECRET = "hush-" + "s" * 35
TOKEN = "t" * 40
UNITS = 40
ASSETS = 4000
BATCHES = 6
PERIOD = "2026-09"
KPIS = ["1", "7"]
ORGS = [word for unit in ["HD", *(f"U{unit:03}" for unit in range(UNITS))] for word in ("--org", unit)]
MEASURE = ["measure", *[word for kpi in KPIS for word in ("--kpi", kpi)], *ORGS, "--period", PERIOD, "--format", "json"]
HEAD = "asset_id,org_unit,kind,name,is_in_scope,owner_id,owner_assigned_on,declared_on,inventoried_on,inventoried_by,disposed_on\n"


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def rows(number, count=ASSETS):
    """The rows of a batch: every batch says something of its own assets and of some that others spoke of."""
    chance = random.Random(number)
    lines = [HEAD]
    for asset in range(count // BATCHES * (number + 1)):
        if asset < count // BATCHES * number and chance.random() > 0.05:
            continue
        unit = f"U{chance.randrange(UNITS):03}"
        day = f"2026-{chance.randrange(4, 10):02}-{chance.randrange(1, 29):02}"
        owner = f"E{chance.randrange(90)},{day}" if chance.random() < 0.8 else ","
        inventoried = f"{day},declaration" if chance.random() < 0.7 else ","
        lines.append(f"A{asset},{unit},hardware,n{asset},{'true' if chance.random() < 0.9 else 'false'},{owner},{day},{inventoried},\n")
    return "".join(lines)


def make(folder, name, journal, more=""):
    """Makes a workspace whose sources are one for each batch."""
    place = os.path.join(folder, name)
    settings = f'language = "en"\nzone = "Asia/Tokyo"\njournal = "{journal}"\n{more}\n[organisation]\nname = {{ ja = "架空", en = "Fictional" }}\n'
    write(os.path.join(place, "keiki.toml"), settings)
    tree = ["id,parent_id,name_ja,name_en,kind,country,valid_from,valid_until,successor_id\nHD,,架空親会社,Parent,group,JP,,,\n"]
    tree += [f"U{unit:03},HD,架空{unit},Unit {unit},subsidiary,JP,,,\n" for unit in range(UNITS)]
    write(os.path.join(place, "org.csv"), "".join(tree))
    write(os.path.join(place, "programme.toml"), f"[adopted]\nkpis = [{', '.join(KPIS)}]\n")
    for number in range(BATCHES):
        source = (f'name = "s{number}"\nkind = "csv"\ndataset = "assets"\nplace = "evidence/s{number}.csv"\ncovers = ["HD"]\nprecedence = {number + 1}\n'
                  'extent = "part"\n')
        write(os.path.join(place, "sources", f"s{number}.toml"), source)
        write(os.path.join(place, "evidence", f"s{number}.csv"), rows(number))
    return place


def setting(place, engine="local", more=""):
    """Changes what measures the books of a workspace."""
    path = os.path.join(place, "keiki.toml")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    text = re.sub(r'^engine = .*\n|^cluster = .*\n|^object_store = .*\n', "", text, flags=re.M)
    write(path, f'engine = "{engine}"\n{more}' + text)


def forget(place):
    """Removes what was computed before."""
    shutil.rmtree(os.path.join(place, ".keiki", "cubes"), ignore_errors=True)


class Keiki:
    """Runs the program with the object store's address and credentials in its environment."""

    def __init__(self, program, store):
        self.program = os.path.abspath(program)
        self.said = []
        self.environment = dict(
            os.environ, AWS_ACCESS_KEY_ID="keiki", AWS_SECRET_ACCESS_KEY=SECRET, AWS_REGION="us-east-1", AWS_ENDPOINT_URL=store,
            AWS_ALLOW_HTTP="true", KEIKI_CLUSTER_TOKEN=TOKEN, LC_ALL="C.UTF-8", KEIKI_LOG="warn,keiki_engine=info,keiki_store=info")

    def start(self, *arguments, inside=(), client="keiki", environment=None, **more):
        """Starts the program; `client` is the access key by which the object store tells it from others."""
        changed = {**self.environment, "AWS_ACCESS_KEY_ID": client, **(environment or {})}
        changed = {name: value for name, value in changed.items() if value is not None}
        return subprocess.Popen([*inside, self.program, "--language", "en", *arguments], env=changed, text=True, **more)

    def run(self, *arguments, codes=(0,)):
        done = subprocess.run([self.program, "--language", "en", *arguments], env=self.environment, capture_output=True, text=True, timeout=900)
        self.said += [done.stdout, done.stderr]
        if codes and done.returncode not in codes:
            fail(f"keiki {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
        return done

    def ingest(self, place):
        for number in range(BATCHES):
            self.run("ingest", f"s{number}", "--as-of", "2026-09-30", "--workspace", place, codes=(0, 3))

    def measure(self, place, is_fresh=True, codes=(0,)):
        """The figures of a workspace, without what says when and how they were computed."""
        if is_fresh:
            forget(place)
        done = self.run(*MEASURE, "--workspace", place, codes=codes)
        if done.returncode != 0:
            return None, done
        return [{key: value for key, value in figure.items() if key != "known_at"} for figure in json.loads(done.stdout)], done
