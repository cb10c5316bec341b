"""A browser without a window, told what to do by the protocol that Chromium's driver speaks (W3C WebDriver)."""

import base64
import json
import re
import subprocess
import urllib.error
import urllib.request

from programs import fail

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


class Browser:
    """Chromium with its driver, of somebody who reads a language."""

    def __init__(self, language="en"):
        self.process = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, text=True)
        port = None
        for line in self.process.stdout:
            found = re.search(r"started successfully on port (\d+)", line)
            if found:
                port = found.group(1)
                break
        if port is None:
            fail("chromedriver does not start")
        self.driver = f"http://127.0.0.1:{port}"
        arguments = ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars", f"--lang={language}", f"--accept-lang={language}"]
        # What is looked for may be on the page to which a click leads: it is waited for, so many milliseconds; so is what a script asks the server for.
        wanted = {"browserName": "chrome", "timeouts": {"implicit": 20000, "script": 120000}, "goog:chromeOptions": {"args": arguments}}
        asked = {"capabilities": {"alwaysMatch": wanted}}
        self.session = f"/session/{self.ask('POST', '/session', asked)['sessionId']}"

    def ask(self, method, path, body=None):
        """Asks the driver for something and returns its answer."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.driver + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            fail(f"the browser refuses {path}: {error.read().decode()[:500]}")

    def post(self, path, body=None):
        return self.ask("POST", self.session + path, body or {})

    def open(self, url):
        self.post("/url", {"url": url})

    def run(self, script, *arguments):
        """Runs a script in the page, which hands its answer to its last argument."""
        return self.post("/execute/async", {"script": script, "args": list(arguments)})

    def find(self, css):
        return self.post("/element", {"using": "css selector", "value": css})[ELEMENT]

    def write(self, css, text):
        self.post(f"/element/{self.find(css)}/value", {"text": text})

    def click(self, css):
        self.post(f"/element/{self.find(css)}/click")

    def tell(self, command, parameters):
        """Tells Chromium itself something (Chrome DevTools Protocol)."""
        return self.post("/goog/cdp/execute", {"cmd": command, "params": parameters})

    def look(self, width, scheme):
        """Chooses the width of the window, and light or dark."""
        size = {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
        self.tell("Emulation.setDeviceMetricsOverride", size)
        self.tell("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})

    def sends_at(self, bytes_per_second):
        """Chooses how fast what the page sends goes out; None = as fast as it can."""
        self.tell("Network.enable", {})
        speed = -1 if bytes_per_second is None else bytes_per_second
        self.tell("Network.emulateNetworkConditions", {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": speed})

    def picture(self, path, height=None):
        """Takes a picture of the whole page, or of its upper part."""
        wanted = {"format": "png", "captureBeyondViewport": True}
        size = self.tell("Page.getLayoutMetrics", {})["cssContentSize"]
        wanted["clip"] = {"x": 0, "y": 0, "width": size["width"], "height": min(height or size["height"], size["height"]), "scale": 1}
        taken = self.tell("Page.captureScreenshot", wanted)
        with open(path, "wb") as file:
            file.write(base64.b64decode(taken["data"]))

    def print(self, path):
        """Prints the page into a PDF, as its reader would."""
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.tell("Page.printToPDF", {"preferCSSPageSize": True, "printBackground": True})["data"]))

    def close(self):
        self.ask("DELETE", self.session)
        self.process.terminate()
        self.process.wait()
