"""A headless Chromium that is driven over a pipe, with the standard library alone: no port, no driver program, a profile
in a temporary folder. What a page throws, logs as an error and asks for over the network is kept for the test to see."""
import base64
import fcntl
import json
import os
import shutil
import signal
import tempfile

PROGRAMS = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
FLAGS = ("--headless=new", "--remote-debugging-pipe", "--no-first-run", "--disable-gpu", "--disable-dev-shm-usage",
         "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
         "--no-default-browser-check", "--no-proxy-server", "--force-color-profile=srgb")
PATIENCE_S = 30


def program():
    """None: there is no Chromium on this machine (deploy/setup installs Debian's)."""
    return next((path for path in PROGRAMS if os.access(path, os.X_OK)), None)


class Browser:
    def __init__(self, width=1500, height=1100):
        # Chromium reads its orders from 3 and writes its answers to 4; none of ours may stand there before.
        orders, self.orders = (fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in os.pipe())
        answers, told = (fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in os.pipe())
        self.profile = tempfile.mkdtemp(prefix="ami-chromium.")
        self.log = os.path.join(self.profile, "log")
        flags = [program(), *FLAGS, f"--user-data-dir={self.profile}", f"--window-size={width},{height}"]
        if os.getuid() == 0:
            flags.append("--no-sandbox")  # it refuses to run as root with one
        spawn = [(os.POSIX_SPAWN_OPEN, 1, self.log, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600),
                 (os.POSIX_SPAWN_DUP2, 1, 2), (os.POSIX_SPAWN_DUP2, orders, 3), (os.POSIX_SPAWN_DUP2, told, 4)]
        self.pid = os.posix_spawn(flags[0], [*flags, "about:blank"], dict(os.environ, HOME=self.profile), file_actions=spawn,
                                  setpgroup=0)
        os.close(orders)
        os.close(told)
        self.answers = os.fdopen(answers, "rb")
        self.count, self.rest, self.session = 0, b"", None
        self.errors, self.asked = [], []  # of the page: what went wrong, URLs
        try:
            targets = self.call("Target.getTargets")["targetInfos"]
            page = next(target for target in targets if target["type"] == "page")
            self.session = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]
            for domain in ("Page", "Runtime", "Log", "Network"):
                self.call(domain + ".enable")
            self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        except BaseException:
            self.close()
            raise

    def close(self):
        """Ends it and every process that it started."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass
        self.answers.close()
        os.close(self.orders)
        shutil.rmtree(self.profile, ignore_errors=True)

    def _next(self):
        while b"\0" not in self.rest:
            more = os.read(self.answers.fileno(), 1 << 16)
            if not more:
                with open(self.log, encoding="utf-8", errors="replace") as log:
                    raise AssertionError("Chromium ended:\n" + log.read()[-2000:])
            self.rest += more
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def _note(self, message):
        method, said = message.get("method"), message.get("params", {})
        if method == "Runtime.exceptionThrown":
            details = said["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Log.entryAdded" and said["entry"]["level"] == "error":
            self.errors.append(said["entry"]["text"] + " " + said["entry"].get("url", ""))
        elif method == "Network.requestWillBeSent":
            self.asked.append(said["request"]["url"])

    def call(self, method, **params):
        self.count += 1
        message = {"id": self.count, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.orders, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self.count:
                if "error" in answer:
                    raise AssertionError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self._note(answer)

    def open(self, url):
        self.call("Page.navigate", url=url)
        self.wait("document.readyState === 'complete' && location.href.startsWith(" + json.dumps(url) + ")", url)

    def evaluate(self, script):
        done = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, userGesture=True)
        if "exceptionDetails" in done:
            raise AssertionError(script + ": " + str(done["exceptionDetails"]))
        return done["result"].get("value")

    def wait(self, condition, what=None):
        """Until the JavaScript expression holds. A page that is left meanwhile is asked again."""
        script = """new Promise(resolve => {
            const end = performance.now() + %d;
            const look = () => { let holds = false; try { holds = (%s); } catch (error) { }
                                 if (holds) resolve(true); else if (performance.now() > end) resolve(false);
                                 else setTimeout(look, 10); };
            look(); })""" % (PATIENCE_S * 1000, condition)
        for _ in range(3):
            try:
                held = self.evaluate(script)
            except AssertionError as error:
                if "context was destroyed" in str(error) or "navigated or closed" in str(error):
                    continue
                raise
            if not held:
                raise AssertionError(f"{what or condition}: not within {PATIENCE_S} s; the page shows:\n{self.text()}")
            return
        raise AssertionError(f"{what or condition}: the page does not stay")

    def text(self, selector="body"):
        return self.evaluate(f"document.querySelector({json.dumps(selector)}).innerText")

    def click(self, selector):
        """As a finger does: where the element is, and only if nothing lies over it."""
        self.wait(f"document.querySelector({json.dumps(selector)}) !== null", "there is " + selector)
        x, y, there = self.evaluate("""(() => {
            const element = document.querySelector(%s);
            element.scrollIntoView({block: 'center', inline: 'center'});
            const box = element.getBoundingClientRect(), x = box.x + box.width / 2, y = box.y + box.height / 2;
            const top = document.elementFromPoint(x, y);
            return [x, y, top === element || element.contains(top)]; })()""" % json.dumps(selector))
        if not there:
            raise AssertionError(f"{selector} cannot be reached at {x}, {y}")
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        for moment in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=moment, x=x, y=y, button="left", clickCount=1)

    def write(self, selector, text):
        """In place of what stands in the field."""
        self.click(selector)
        self.evaluate(f"document.querySelector({json.dumps(selector)}).select()")
        self.call("Input.insertText", text=text)

    def screenshot(self, path):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))
