#!/usr/bin/env python3
"""The page of fieldsim in a real browser: what a person sees and does there, what the field and the ledger say of it, and
what another site in the same browser can do (nothing)."""
import http.server
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.request

import browser

FIELDSIM = pathlib.Path(os.environ["AMI_BIN_DIR"]) / "fieldsim"
NORTH = "<b>north</b>"  # the name of a network is anybody's text

SCENARIO = """
seed: 4
start: 2024-03-10T00:00:00Z
time_factor: 60
page: 127.0.0.1:0
networks:
  - {family: ts2, name: "<b>north</b>", meters: 3, latency: {least: 0s, most: 1s}}
  - {family: twacs, models: [FOCUS AX], meters: 130, batch: 20}
"""
ORDER = """<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>
<InitiateConnectDisconnect xmlns="http://www.multispeak.org/Version_3.0"><cdEvents><connectDisconnectEvent>
<loadActionCode>{action}</loadActionCode><meterNo>{meter}</meterNo></connectDisconnectEvent></cdEvents>
<responseURL>http://127.0.0.1:9/</responseURL><transactionID>{action}-{meter}</transactionID>
<expirationTime>60</expirationTime></InitiateConnectDisconnect></soap:Body></soap:Envelope>"""


def button(words, meter):
    return f'button[aria-label="{words} {meter}"]'


class Field:
    """fieldsim with a page; done() ends it in order and gives what its ledger says was done by hand or command."""

    def __init__(self, case, scenario):
        holder = tempfile.TemporaryDirectory(prefix="ami-fieldsim-page.")
        case.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)
        (self.folder / "field.yaml").write_text(scenario, encoding="utf-8")
        self.process = subprocess.Popen([FIELDSIM, "--scenario", self.folder / "field.yaml", "--base-dir", self.folder],
                                        stderr=subprocess.DEVNULL)
        case.addCleanup(self._kill)
        end = time.monotonic() + 60
        while not (self.folder / "ports.json").exists():
            if self.process.poll() is not None or time.monotonic() > end:
                raise AssertionError("fieldsim did not start")
            time.sleep(0.01)
        self.ports = json.loads((self.folder / "ports.json").read_text(encoding="utf-8"))
        self.url = f"http://127.0.0.1:{self.ports['page']}/"

    def _kill(self):
        self.process.kill()
        self.process.wait()

    def order(self, network, meter, action):
        """As a gateway: an order to the network's head-end, which is carried out in its own time."""
        url = f"http://127.0.0.1:{self.ports[network]['multispeak']}/Multispeak/webapi/CD_CB.asmx"
        body = ORDER.format(meter=meter, action=action).encode()
        request = urllib.request.Request(url, body, {"Content-Type": "text/xml; charset=utf-8"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            answer.read()

    def done(self):
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(60) != 0:
            raise AssertionError("fieldsim failed")
        lines = [json.loads(line) for line in (self.folder / "ledger.jsonl").read_text(encoding="utf-8").splitlines()]
        return [(line["meter"], line["command"], line["by"], line["result"], line.get("state")) for line in lines
                if line["kind"] == "command" and line["step"] == "executed"]


class OtherSite:
    """A site that the same browser has open, and that would like to lay hands on the field."""

    def __init__(self, case, page):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write(page.encode())

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        case.addCleanup(server.server_close)
        case.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{server.server_port}/"


class PageInChromium(unittest.TestCase):
    def setUp(self):
        self.browser = browser.Browser()
        self.addCleanup(self.browser.close)

    def field(self, scenario=SCENARIO):
        return Field(self, scenario)

    def row(self, meter):
        """The cells of a meter's row, as people read them."""
        return self.browser.evaluate("[...document.querySelectorAll('#meters tr')].map(row => [...row.cells].map(c => c.innerText))"
                                     f".find(row => row[0] === {json.dumps(meter)})")

    def wait_for_row(self, meter, holds):
        self.browser.wait("(() => { const row = [...document.querySelectorAll('#meters tr')].find(row => row.cells[0].innerText === "
                          + json.dumps(meter) + "); const cell = i => row.cells[i].innerText; return row && (" + holds + "); })()", meter)

    def said(self, words):
        self.browser.wait(f"document.getElementById('said').innerText === {json.dumps(words)}", words)

    def clean(self, field):
        """Nothing went wrong in the page, and nothing was fetched from elsewhere."""
        self.assertEqual(self.browser.errors, [])
        elsewhere = [url for url in self.browser.asked if not url.startswith((field.url, "about:"))]
        self.assertEqual(elsewhere, [])

    def test_power_is_cut_and_restored_by_a_click_and_field_and_ledger_know_it(self):
        field = self.field()
        self.browser.open(field.url)
        self.wait_for_row("TS00000001", "cell(2) === 'on' && Number(cell(3)) > 0 && cell(4) === 'closed'")
        self.browser.click(button("Cut power", "TS00000001"))
        self.said("TS00000001: cut power — done, switch closed")
        self.wait_for_row("TS00000001", "cell(2) === 'dark' && cell(3) === '0'")
        self.assertEqual(self.row("TS00000000")[2], "on", "its neighbour has power")
        dark = "document.querySelector('#networks tr').cells[3].innerText"
        self.browser.wait(dark + " === '1'", "one meter is dark")
        done = self.browser.text("#done tr")
        for word in ("TS00000001", "cut power", "page", "done"):
            self.assertIn(word, done)
        self.browser.click(button("Restore power", "TS00000001"))
        self.wait_for_row("TS00000001", "cell(2) === 'on' && Number(cell(3)) > 0")
        self.browser.wait(dark + " === '0'", "none is dark")
        self.clean(field)
        self.assertEqual(field.done(), [("TS00000001", "cut_power", "page", "done", "CLOSED"),
                                        ("TS00000001", "restore_power", "page", "done", "CLOSED")])

    def test_a_jammed_switch_does_not_move_until_it_is_freed(self):
        field = self.field()
        self.browser.open(field.url)
        self.browser.click(button("Jam switch", "TS00000002"))
        self.wait_for_row("TS00000002", "cell(4).includes('jammed')")
        field.order(NORTH, "TS00000002", "Disconnect")
        newest = "document.querySelector('#done tr').innerText"
        self.browser.wait(newest + ".includes('open') && " + newest + ".includes('refused')", "the switch refuses")
        self.assertIn("closed", self.row("TS00000002")[4])
        self.browser.click(button("Free switch", "TS00000002"))
        self.wait_for_row("TS00000002", "!cell(4).includes('jammed')")
        field.order(NORTH, "TS00000002", "Disconnect")
        self.wait_for_row("TS00000002", "cell(4) === 'open' && cell(3) === '0'")
        self.clean(field)
        self.assertEqual([(command, result, state) for _, command, _, result, state in field.done()],
                         [("jam", "done", "CLOSED"), ("open", "refused", "CLOSED"), ("unjam", "done", "CLOSED"),
                          ("open", "done", "OPEN")])

    def test_the_customers_button_closes_a_switch_that_is_armed_and_no_other(self):
        field = self.field()
        self.browser.open(field.url)
        field.order(NORTH, "TS00000000", "Disconnect")
        self.wait_for_row("TS00000000", "cell(4) === 'open'")
        self.browser.click(button("Press button", "TS00000000"))
        self.said("TS00000000: press button — refused, switch open")
        field.order(NORTH, "TS00000000", "Arm")
        self.wait_for_row("TS00000000", "cell(4) === 'armed'")
        self.browser.click(button("Press button", "TS00000000"))
        self.said("TS00000000: press button — done, switch closed")
        self.wait_for_row("TS00000000", "cell(4) === 'closed' && Number(cell(3)) > 0")
        self.clean(field)
        self.assertEqual([(command, result, state) for _, command, _, result, state in field.done()],
                         [("open", "done", "OPEN"), ("button", "refused", "OPEN"), ("arm", "done", "ARMED"),
                          ("button", "done", "CLOSED")])

    def test_a_button_stays_under_the_finger_while_the_page_refreshes(self):
        field = self.field()
        self.browser.open(field.url)
        self.wait_for_row("TS00000000", "cell(2) === 'on'")
        now = self.browser.text("#now")
        self.browser.evaluate("window.held = document.querySelector(" + json.dumps(button("Cut power", "TS00000000")) + "); held.focus()")
        self.browser.wait(f"document.getElementById('now').innerText !== {json.dumps(now)}", "time goes on")
        self.assertTrue(self.browser.evaluate("held.isConnected && document.activeElement === held"))
        field.done()

    def test_networks_pages_and_filters(self):
        field = self.field()
        self.browser.open(field.url)
        self.browser.wait("document.querySelectorAll('#networks tr').length === 2", "two networks")
        self.assertIn(NORTH, self.browser.text("#networks"), "a name is text, whatever stands in it")
        self.assertEqual(self.browser.evaluate("document.querySelectorAll('b').length"), 0)
        self.browser.wait(f"document.getElementById('chosen').innerText === {json.dumps(f'Meters of {NORTH} (3)')}", "the first one's meters")
        self.browser.click("#networks tr:nth-child(2)")
        self.browser.wait("document.getElementById('chosen').innerText === 'Meters of twacs (130)'", "the second network")
        self.wait_for_row("TW00000000", "cell(4) === 'none'")
        rows = "document.querySelectorAll('#meters tr').length"
        self.assertEqual(self.browser.evaluate(rows), 50)
        self.assertEqual(self.browser.evaluate("[...document.querySelectorAll('#meters tr:first-child button')].map(b => b.innerText)"),
                         ["Cut power"], "it has no switch to jam and no button to press")
        self.browser.click("#later")
        self.wait_for_row("TW00000050", "true")
        self.browser.click("#later")
        self.wait_for_row("TW00000129", "true")
        self.browser.wait(rows + " === 30 && document.getElementById('later').disabled", "the last page")
        self.browser.click("#earlier")
        self.wait_for_row("TW00000050", "true")
        self.browser.write("#find", "TW0000012")
        self.browser.wait(rows + " === 10", "TW00000120 to TW00000129")
        self.browser.click(button("Cut power", "TW00000125"))
        self.browser.write("#find", "")
        self.browser.evaluate("document.getElementById('state').value = 'dark';"
                              "document.getElementById('state').dispatchEvent(new Event('change'))")
        self.browser.wait(rows + " === 1", "one meter is dark")
        self.assertEqual(self.row("TW00000125")[2], "dark")
        self.clean(field)
        field.done()

    def test_another_site_can_neither_lay_hands_on_the_field_nor_read_nor_frame_it(self):
        field = self.field()
        act = json.dumps({"network": NORTH, "meter": "TS00000000", "action": "cut_power"})
        other = OtherSite(self, f"""<!DOCTYPE html><title>other</title><iframe name=into></iframe><iframe id=frame src={field.url}></iframe>
            <form method=post enctype=text/plain target=into action={field.url}act><input name='{act[:-1]},"x":"' value='"}}'></form>
            <script>
            const act = {act!r}, url = {field.url!r}, ends = [];
            for (const type of ['text/plain', 'application/json']) for (const mode of ['cors', 'no-cors'])
              ends.push(fetch(url + 'act', {{method: 'POST', mode: mode, headers: {{'Content-Type': type}}, body: act}})
                .then(answer => 'read ' + answer.type + answer.status, () => 'failed'));
            ends.push(fetch(url + 'networks').then(answer => 'read ' + answer.status, () => 'failed'));
            document.forms[0].submit();
            Promise.all(ends).then(all => {{ window.became = all; }});
            </script>""")
        self.browser.open(other.url)
        self.browser.wait("window.became !== undefined", "the other site has tried")
        became = self.browser.evaluate("window.became")
        self.assertEqual([end for end in became if end not in ("failed", "read opaque0")], [])
        self.browser.wait("(() => { try { return document.getElementById('frame').contentDocument === null; } "
                          "catch (error) { return true; } })()", "the frame has been tried")
        frames = [url for url in self.browser.asked if url == field.url]
        self.assertTrue(frames, "the browser did ask for it")
        posts = [url for url in self.browser.asked if url == field.url + "act"]
        self.assertGreaterEqual(len(posts), 3)
        with urllib.request.urlopen(field.url + "meters?network=%3Cb%3Enorth%3C%2Fb%3E", timeout=30) as answer:
            self.assertTrue(json.load(answer)["meters"][0]["powered"])
        self.assertEqual(field.done(), [])

    def test_a_hundred_thousand_meters(self):
        field = self.field("seed: 1\nstart: 2024-03-10T00:00:00Z\ntime_factor: 1\nhistory: 0s\npage: 127.0.0.1:0\n"
                           "networks:\n  - {family: ts2, meters: 100000, report_every: 1d}\n")
        self.browser.open(field.url)
        self.browser.wait("document.getElementById('chosen').innerText === 'Meters of ts2 (100000)'", "all of them")
        self.browser.write("#find", "TS00099999")
        self.wait_for_row("TS00099999", "cell(2) === 'on'")
        self.browser.click(button("Cut power", "TS00099999"))
        self.wait_for_row("TS00099999", "cell(2) === 'dark'")
        self.browser.write("#find", "")
        self.wait_for_row("TS00000000", "true")
        began = time.monotonic()
        self.browser.evaluate("refresh()")
        print(f"100,000 meters: a refresh of the page takes {1000 * (time.monotonic() - began):.0f} ms", file=sys.stderr)
        # The last square of the picture leads to the last meter.
        self.browser.evaluate("""(() => { const picture = document.getElementById('picture'), {side, across} = picture.dataset;
            const box = picture.getBoundingClientRect();
            picture.dispatchEvent(new MouseEvent('click', {clientX: box.x + 99999 % across * side + 1,
                                                           clientY: box.y + Math.floor(99999 / across) * side + 1})); })()""")
        self.wait_for_row("TS00099999", "document.querySelectorAll('#meters tr').length === 1 && cell(2) === 'dark'")
        self.clean(field)
        self.assertEqual(field.done(), [("TS00099999", "cut_power", "page", "done", "CLOSED")])


if __name__ == "__main__":
    if browser.program() is None:
        sys.exit("there is no Chromium: deploy/setup installs it")
    unittest.main()
