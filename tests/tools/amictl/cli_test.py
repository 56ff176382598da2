"""The command line itself: help, versions, exit codes, gateways that are not there."""
import re
import socket
import unittest

from running import ROOT, Case, amictl

COMMANDS = [["meters"], ["meters", "import"], ["meters", "show"], ["meters", "exchange"], ["reads"], ["events"], ["clocks"], ["changes"], ["reconcile"],
            ["gaps"], ["gaps", "completeness"], ["gaps", "give-up"],
            ["adapters"], ["read-now"], ["ping"], ["demand-reset"], ["operations"], ["operations", "list"], ["switch"], ["switch", "open"], ["switch", "close"], ["switch", "watch"], ["sources"], ["quarantine"], ["quarantine", "list"], ["quarantine", "replay"], ["decode"]]
ASKS_GATEWAY = [["adapters"], ["meters"], ["meters", "show", "M1"], ["reads", "M1"], ["reads", "M1", "--registers"],
                ["reads", "M1", "--intervals", "--from", "2026-01-01", "--to", "2026-01-02"], ["events"], ["clocks"], ["changes"], ["changes", "--once"],
                ["changes", "--forget", "billing"], ["reconcile", "--day", "2026-01-15"], ["sources"],
                ["quarantine", "list"], ["quarantine", "replay", "--all"]]


class Help(Case):
    def test_help_of_every_command_is_exit_0(self):
        for command in [[], *COMMANDS]:
            with self.subTest(command=command):
                code, out, err = amictl(*command, "--help")
                self.assertEqual((code, err), (0, b""))
                self.assertIn(b"Usage", out)

    def test_version_is_the_projects(self):
        said = re.search(r"project\(ami_gateway VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text())
        code, out, _ = amictl("--version")
        self.assertEqual(code, 0)
        self.assertEqual(out.decode().strip(), f"amictl {said.group(1)}")


class Usage(Case):
    def refused(self, *arguments, says=b"", env=None):
        code, out, err = amictl(*arguments, env=env)
        self.assertEqual(code, 2, err)
        self.assertEqual(out, b"")
        self.assertIn(says, err)

    def test_unknown_or_missing_command(self):
        self.refused()
        self.refused("frobnicate", says=b"frobnicate")
        self.refused("meters", "frobnicate")
        self.refused("quarantine")

    def test_unknown_option_or_value(self):
        self.refused("adapters", "--frobnicate")
        self.refused("adapters", "--output", "xml")
        self.refused("adapters", "--timeout", "0")
        self.refused("adapters", "--timeout", "soon")
        self.refused("events", "--limit", "-1", "--utility", "u")

    def test_command_that_needs_a_utility_says_so(self):
        self.refused("meters", says=b"--utility")
        self.refused("reads", "M1", says=b"--utility")
        self.refused("events", says=b"--utility")
        self.refused("changes", says=b"--utility")
        self.refused("reconcile", "--day", "2026-01-15", says=b"--utility")

    def test_times_and_names_are_checked_before_the_gateway_is_asked(self):
        self.refused("events", "--utility", "u", "--from", "yesterday", says=b"yesterday")
        self.refused("reads", "M1", "--utility", "u", "--from", "2026-13-01", says=b"2026-13-01")
        self.refused("reads", "M1", "--utility", "u", "--intervals", says=b"--from")
        self.refused("reads", "M1", "--utility", "u", "--quantity", "FROBNICATED", says=b"FROBNICATED")
        self.refused("reads", "M1", "--utility", "u", "--as-of", "May", says=b"May")
        self.refused("reads", "M1", "--utility", "u", "--layer", "VALID", says=b"--layer")
        self.refused("quarantine", "list", "--utility", "u", "--state", "GONE", says=b"--state")
        self.refused("quarantine", "replay", "--utility", "u", says=b"--all")

    def test_change_options_that_do_not_fit_together(self):
        self.refused("changes", "--utility", "u", "--cursor", "1a", says=b"--follow")
        self.refused("changes", "--utility", "u", "M1", says=b"--follow")
        self.refused("changes", "--utility", "u", "--rewind", "billing", says=b"--cursor")
        self.refused("changes", "--utility", "u", "--follow", "--once")
        self.refused("changes", "--utility", "u", "--follow", "--forget", "billing")
        self.refused("changes", "--utility", "u", "--once", "--kind", "WRONG", says=b"WRONG")
        self.refused("changes", "--utility", "u", "--once", "--quantity", "ENERGY", says=b"ENERGY")
        self.refused("reconcile", "--utility", "u", says=b"--day")

    def test_tls_address_needs_all_three_files(self):
        self.refused("--address", "127.0.0.1:1", "adapters", says=b"--ca, --cert and --key")
        ca = self.file("not looked at")
        self.refused("--address", "127.0.0.1:1", "--ca", ca, "--cert", ca, "adapters", says=b"--key")

    def test_certificate_file_that_cannot_be_read(self):
        good, gone = self.file("-----BEGIN CERTIFICATE-----"), self.folder / "gone.pem"
        self.refused("--address", "127.0.0.1:1", "--ca", good, "--cert", good, "--key", gone, "adapters",
                     says=str(gone).encode())
        self.refused("--address", "127.0.0.1:1", "--ca", self.folder, "--cert", good, "--key", good, "adapters",
                     says=str(self.folder).encode())
        text = self.file("no certificate", "text")
        self.refused("--address", "127.0.0.1:1", "--ca", good, "--cert", text, "--key", good, "adapters",
                     says=f"{text} is not a PEM file".encode())

    def test_certificate_does_not_go_with_a_local_address(self):
        self.refused("--address", "unix:/nonexistent", "--cert", "x.pem", "adapters", says=b"--cert")
        self.refused("--address", "127.0.0.1:1", "--plaintext", "--cert", "x.pem", "adapters", says=b"--cert")


class Unreachable(Case):
    def test_no_socket_there(self):
        address = f"unix:{self.folder}/nobody.sock"
        for command in ASKS_GATEWAY:
            with self.subTest(command=command):
                code, out, err = amictl("--address", address, "--utility", "u", *command)
                self.assertEqual(code, 3, err)
                self.assertIn(address.encode(), err)
                self.assertNotIn(b"[", out)

    def test_address_and_utility_may_come_from_the_environment(self):
        address = f"unix:{self.folder}/nobody.sock"
        code, _, err = amictl("meters", env={"AMI_ADDRESS": address, "AMI_UTILITY": "u"})
        self.assertEqual(code, 3, err)
        self.assertIn(address.encode(), err)

    def test_refused_connection(self):
        with socket.socket() as bound:  # bound and never listening: nobody else gets the port
            bound.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{bound.getsockname()[1]}"
            code, _, err = amictl("--address", address, "--plaintext", "adapters")
        self.assertEqual(code, 3, err)
        self.assertIn(address.encode(), err)

    def test_gateway_that_never_answers_is_given_up_after_the_timeout(self):
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            address = f"127.0.0.1:{silent.getsockname()[1]}"
            code, _, err = amictl("--address", address, "--plaintext", "--timeout", "1", "adapters", timeout=15)
        self.assertEqual(code, 3, err)


if __name__ == "__main__":
    unittest.main()
