"""Asks a server with the sample group for a mix of pages, 200 times a second, and kills it in the middle of submissions and agreements.

    serve.py FOLDER KEIKI [SECONDS] [RATE]

A request's time runs from when it was due, so that a server that falls behind is not spared. Prints lines of name and value for benches/report.py.
"""

import asyncio
import datetime
import gzip
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.parse

PASSWORD = "correct horse battery"
ROLES = {"executive": "executive@HD", "office": "programme_office@HD,approver@HD", "owner": "data_owner@JP1", "approver": "approver@HD"}
KPIS = [1, 4, 7, 12, 18, 24, 25, 30, 33, 36]
PERIODS = ["", "?period=2026-08", "?period=2026-07", "?period=FY2026-Q1"]
# What is asked for, by whom, and how often among a hundred.
MIX = [
    (24, "executive", [f"/scorecard{period}" for period in PERIODS]),
    (12, "owner", ["/scorecard", "/todo"]),
    (28, "executive", [f"/kpis/{no}{period}" for no in KPIS for period in PERIODS[:2]]),
    (8, "owner", [f"/kpis/{no}" for no in KPIS[:4]]),
    (8, "executive", ["/kpis", "/programme"]),
    (10, "office", ["/evidence", "/close", "/requests", "/programme/organisation"]),
    (5, "office", [f"/kpis/{no}/rows" for no in KPIS[:3]]),
    (5, "executive", ["/api/v1/measurements?limit=100", "/api/v1/scorecard"]),
]
CONNECTIONS = 32
KILLS = 5


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Server:
    def __init__(self, keiki, workspace):
        self.keiki, self.workspace = keiki, workspace
        self.port = free_port()
        self.start()

    def start(self):
        self.log = open(os.path.join(self.workspace, "serve.log"), "a", encoding="utf-8")
        command = [self.keiki, "serve", self.workspace, "--listen", f"127.0.0.1:{self.port}"]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)
        for _ in range(1200):
            if self.process.poll() is not None:
                sys.exit("the server stopped; see serve.log")
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                    return
            except OSError:
                time.sleep(0.1)
        sys.exit("the server does not answer")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def memory_mib(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1)) / 1024

    def processor_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Line:
    """A connection that is kept open."""

    def __init__(self, port):
        self.port = port
        self.reader = self.writer = None

    async def ask(self, path, cookie="", method="GET", body=b"", headers=()):
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", "Accept-Encoding: gzip", f"Content-Length: {len(body)}", *headers]
        if cookie:
            lines.append(f"Cookie: keiki-session={cookie}")
        if method == "POST":
            lines.append(f"Origin: http://127.0.0.1:{self.port}")
        try:
            self.writer.write("\r\n".join([*lines, "", ""]).encode() + body)
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            status = int(head.split(" ", 2)[1])
            length = re.search(r"(?im)^content-length: (\d+)", head)
            if length:
                content = await self.reader.readexactly(int(length.group(1)))
            elif "chunked" in head.lower():
                content = await self.chunks()
            else:
                content = b""
        except (OSError, asyncio.IncompleteReadError):
            self.close()
            raise
        return status, head, content

    async def chunks(self):
        content = b""
        while size := int((await self.reader.readline()).split(b";")[0], 16):
            content += await self.reader.readexactly(size)
            await self.reader.readline()
        await self.reader.readline()
        return content

    def close(self):
        if self.writer:
            self.writer.close()
        self.reader = self.writer = None


async def post(line, path, fields):
    body = urllib.parse.urlencode(fields).encode()
    return await line.ask(path, method="POST", body=body, headers=["Content-Type: application/x-www-form-urlencoded"])


async def sign_in(port, links):
    line, cookies = Line(port), {}
    for name, link in links.items():
        if link:
            await post(line, link, {"password": PASSWORD, "again": PASSWORD})
        status, head, _ = await post(line, "/sign-in", {"name": name, "password": PASSWORD, "next": "/"})
        found = re.search(r"(?im)^set-cookie: keiki-session=([^;]+)", head)
        if status != 303 or not found:
            sys.exit(f"{name} cannot sign in: {status}")
        cookies[name] = found.group(1)
    line.close()
    return cookies


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


async def first_looks(port, cookies):
    """Every page once, as whoever comes first finds it; then the dashboard by itself."""
    line, slowest = Line(port), 0.0
    for _, who, paths in MIX:
        for path in paths:
            begun = time.perf_counter()
            status, _, _ = await line.ask(path, cookies[who])
            slowest = max(slowest, time.perf_counter() - begun)
            if status != 200:
                sys.exit(f"{path} for {who}: {status}")
    alone = []
    for _ in range(200):
        begun = time.perf_counter()
        await line.ask("/scorecard", cookies["executive"])
        alone.append(time.perf_counter() - begun)
    line.close()
    print(f"serve_first_ms {slowest * 1000:.0f}")
    print(f"serve_dashboard_ms {percentile(alone, 0.5) * 1000:.2f}")
    print(f"serve_dashboard_p99_ms {percentile(alone, 0.99) * 1000:.2f}")


async def load(server, cookies, seconds, rate):
    dice = random.Random(1)
    weights = [weight for weight, _, _ in MIX]
    queue, times, wrong, slow = asyncio.Queue(), [], [], {}

    async def worker():
        line = Line(server.port)
        while (job := await queue.get()) is not None:
            due, who, path = job
            try:
                status, _, _ = await line.ask(path, cookies[who])
            except (OSError, asyncio.IncompleteReadError):
                status = 0
            took = time.perf_counter() - due
            times.append(took)
            slow.setdefault(path.split("?")[0], []).append(took)
            if status != 200:
                wrong.append((path, status))
        line.close()

    workers = [asyncio.create_task(worker()) for _ in range(CONNECTIONS)]
    begun, processor = time.perf_counter(), server.processor_seconds()
    memory, next_look = [], 0.0
    for number in range(int(seconds * rate)):
        due = begun + number / rate
        wait = due - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
        _, who, paths = dice.choices(MIX, weights)[0]
        queue.put_nowait((due, who, dice.choice(paths)))
        if number / rate >= next_look:
            memory.append(server.memory_mib())
            next_look += seconds / 20
    for _ in workers:
        queue.put_nowait(None)
    await asyncio.gather(*workers)
    took = time.perf_counter() - begun
    memory.append(server.memory_mib())
    third = len(memory) // 3
    print(f"serve_seconds {took:.0f}")
    print(f"serve_rate {len(times) / took:.0f}")
    print(f"serve_requests {len(times)}")
    print(f"serve_errors {len(wrong)}")
    for name, share in [("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("worst", 1.0)]:
        print(f"serve_{name}_ms {percentile(times, share) * 1000:.2f}")
    print(f"serve_processor_share {(server.processor_seconds() - processor) / took:.3f}")
    print(f"serve_memory_mib {max(memory):.0f}")
    # What it holds once it runs: the middle of the last third against the middle of the second.
    print(f"serve_memory_growth_mib {percentile(memory[-third:], 0.5) - percentile(memory[third:-third], 0.5):.1f}")
    for path, values in sorted(slow.items(), key=lambda one: -percentile(one[1], 0.99))[:6]:
        print(f"# {path}: p50 {percentile(values, 0.5) * 1000:.1f} ms, p99 {percentile(values, 0.99) * 1000:.1f} ms", file=sys.stderr)
    for path, status in wrong[:5]:
        print(f"# {path}: {status}", file=sys.stderr)


HEADER = "asset_id,org_unit,kind,name,is_in_scope,owner_id,owner_assigned_on,declared_on,inventoried_on,inventoried_by,disposed_on"


async def submit(line, cookie, number):
    """Sends one asset under its own key. Returns the number of its commit; `None` where no answer came."""
    body = f"{HEADER}\nLOAD-{number},JP1,hardware,load {number},true,E1,2026-04-01,2026-05-01,2026-05-01,declaration,\n".encode()
    path = f"/api/v1/submissions?into=dataset:assets&name=load-{number}.csv&unit=JP1&as_of=2026-05-31"
    headers = ["Content-Type: application/octet-stream", f"Idempotency-Key: load-{number}"]
    try:
        status, _, content = await line.ask(path, cookie, "POST", body, headers)
    except (OSError, asyncio.IncompleteReadError):
        return None
    if status == 409:
        return None
    if status != 200:
        sys.exit(f"a submission was refused: {status} {content[:300]}")
    return number


async def killed(server, links):
    """Kills the server in the middle of submissions, some times over. What was answered must be there, and nothing twice."""
    answered, number, dice = set(), 0, random.Random(2)
    for _ in range(KILLS):
        cookies = await sign_in(server.port, dict.fromkeys(["owner"]))
        line = Line(server.port)
        timer = asyncio.get_running_loop().call_later(dice.uniform(1.0, 3.0), server.kill)
        while True:
            done = await submit(line, cookies["owner"], number)
            if done is None:
                break
            answered.add(number)
            number += 1
        timer.cancel()
        # What got no answer is never sent again: whether it is there is for the journal to say, whole or not at all.
        number += 1
        server.start()
    # It has its address before it has looked at its books.
    status, _, _ = await Line(server.port).ask("/healthz")
    if status != 200:
        sys.exit(f"the server is not well: {status}")
    server.process.terminate()
    server.process.wait()
    found = subprocess.run([server.keiki, "sql", "SELECT asset_id FROM assets WHERE asset_id LIKE 'LOAD-%'", "--format", "json", "--workspace", server.workspace],
                           capture_output=True, text=True, check=False)
    there = [row["asset_id"] for row in json.loads(found.stdout)]
    lost = [one for one in answered if f"LOAD-{one}" not in there]
    verified = subprocess.run([server.keiki, "verify", "--workspace", server.workspace], capture_output=True, text=True, check=False)
    # What was being received when it was killed is swept when it starts again.
    print(f"serve_left {len(os.listdir(os.path.join(server.workspace, '.keiki', 'waiting')))}")
    print(f"serve_kills {KILLS}")
    print(f"serve_submissions {number}")
    print(f"serve_answered {len(answered)}")
    print(f"serve_lost {len(lost)}")
    print(f"serve_twice {len(there) - len(set(there))}")
    print(f"serve_sound {int(verified.returncode == 0)}")
    if verified.returncode:
        print("# " + verified.stdout[-600:] + verified.stderr[-600:], file=sys.stderr)


def data_of(head, content):
    return json.loads(gzip.decompress(content) if "content-encoding: gzip" in head.lower() else content)


async def tell(line, cookie, path, data):
    status, head, content = await line.ask(path, cookie, "POST", json.dumps(data).encode(), ["Content-Type: application/json"])
    if status != 200:
        sys.exit(f"{path} was refused: {status} {content[:300]}")
    return data_of(head, content)


async def requests_of(line, cookie):
    listed, after = [], ""
    while after is not None:
        query = "?" + urllib.parse.urlencode({"limit": 100, **({"cursor": after} if after else {})})
        status, head, content = await line.ask("/api/v1/requests" + query, cookie)
        if status != 200:
            sys.exit(f"the requests cannot be listed: {status} {content[:300]}")
        part = data_of(head, content)
        listed, after = listed + part["items"], part["next"]
    return listed


async def agreed_and_killed(server):
    """Kills the server while one person after the other agrees to targets. What was answered must be set, and nothing twice."""
    dice, number, answered, left = random.Random(3), 0, set(), 0
    first_day = datetime.date(2031, 1, 1)

    def day(of):
        return (first_day + datetime.timedelta(days=of)).isoformat()

    for _ in range(KILLS):
        cookies = await sign_in(server.port, dict.fromkeys(["office", "approver"]))
        line = Line(server.port)
        # What was asked for in an earlier run of the same workspace is not asked for again.
        for one in await requests_of(line, cookies["approver"]):
            number = max(number, (datetime.date.fromisoformat(one["change"]["fields"]["from"]) - first_day).days + 1)
        timer = asyncio.get_running_loop().call_later(dice.uniform(0.5, 3.0), server.kill)
        try:
            while True:
                fields = {"kpi": "1", "org_unit": "JP1", "from": day(number), "at_least": "0.9"}
                number += 1
                await tell(line, cookies["office"], "/api/v1/programme/changes", {"kind": "target", "fields": fields, "reason": "a target"})
                for one in await requests_of(line, cookies["approver"]):
                    if one["decision"] == "open":
                        await tell(line, cookies["approver"], f"/api/v1/requests/{one['id']}/decide", {"verdict": "agree"})
                        answered.add(one["change"]["fields"]["from"])
        except (OSError, asyncio.IncompleteReadError):
            timer.cancel()
        server.start()
        cookies = await sign_in(server.port, dict.fromkeys(["approver"]))
        line = Line(server.port)
        for one in await requests_of(line, cookies["approver"]):
            if one["decision"] == "undone":
                left += 1
                await tell(line, cookies["approver"], f"/api/v1/requests/{one['id']}/decide", {"verdict": "do"})
    standing = {one["change"]["fields"]["from"]: one["decision"] for one in await requests_of(line, cookies["approver"])}
    line.close()
    with open(os.path.join(server.workspace, "programme.toml"), encoding="utf-8") as file:
        text = file.read()
    times = {on: text.count(f'from = "{on}"') for on in standing}
    print(f"serve_agreed {len(answered)}")
    print(f"serve_agreed_undone {left}")
    print(f"serve_agreed_lost {sum(standing[on] != 'agreed' for on in answered) + sum(times[on] == 0 for on in times if standing[on] == 'agreed')}")
    print(f"serve_agreed_twice {sum(count > 1 for count in times.values()) + sum(times[on] > 0 for on in times if standing[on] == 'open')}")


async def main(folder, keiki, seconds=170.0, rate=200.0):
    keiki, workspace = os.path.abspath(keiki), os.path.join(folder, "workspace")
    if not os.path.exists(os.path.join(workspace, "keiki.toml")):
        os.makedirs(folder, exist_ok=True)
        subprocess.run([keiki, "demo", workspace], check=True, stdout=subprocess.DEVNULL)
    links = {}
    for name, role in ROLES.items():
        made = subprocess.run([keiki, "user", "add", name, "--role", role, "--workspace", workspace], capture_output=True, text=True, check=False)
        link = re.search(r"/welcome/\w+", made.stdout)
        links[name] = link.group() if link else None
    server = Server(keiki, workspace)
    try:
        cookies = await sign_in(server.port, links)
        await first_looks(server.port, cookies)
        await load(server, cookies, float(seconds), float(rate))
        await agreed_and_killed(server)
        await killed(server, links)
    finally:
        server.process.kill()


asyncio.run(main(*sys.argv[1:]))
