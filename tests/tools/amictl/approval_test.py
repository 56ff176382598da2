"""`amictl approval check` and `approval show`: the notice asked from outside, without a gateway."""
import json
import shutil
import unittest

from running import CONFIG, Case, amictl

NOTICE = CONFIG / "approvals/ae-1641.yaml"
SWITCHED = {"model": "FOCUS AXR-SD", "form": "2S", "elements": "1.5", "wires": "3", "class": "200"}


class Approval(Case):
    def check(self, module, *more, code=0, env=None, **facts):
        """Exit code and verdict of a check; facts replace those of a switched 2S meter."""
        arguments = []
        for name, value in {**SWITCHED, **facts, "module": module}.items():
            arguments += [f"--{name}", value]
        got, out, err = amictl("approval", "check", *arguments, *more, env=env)
        self.assertEqual(got, code, err.decode(errors="replace") + out.decode(errors="replace")[:2000])
        self.assertEqual(err, b"")
        lines = out.decode().splitlines()
        self.assertEqual(len(lines), 1)
        return json.loads(lines[0])

    def usage(self, *arguments, env=None):
        """The complaint of a command line that cannot be meant."""
        got, out, err = amictl("approval", *arguments, env=env)
        self.assertEqual(got, 2, (out, err))
        self.assertEqual(out, b"")
        return err.decode()

    def all_of(self, **facts):
        return [word for name, value in {**SWITCHED, "module": "SSN", **facts}.items() for word in (f"--{name}", value)]


class Check(Approval):
    def test_allowed_cites_notice_revision_and_clause(self):
        verdict = self.check("SSN", "--firmware", "5.33")
        self.assertEqual((verdict["verdict"], verdict["allowed"]), ("ALLOWED", True))
        self.assertEqual((verdict["notice"], verdict["revision"]), ("AE-1641", "Rev. 6"))
        self.assertEqual(verdict["findings"], [])
        self.assertEqual(verdict["firmware"], {"given": "5.33", "status": "APPROVED"})
        ssn = [clause for clause in verdict["clauses"] if clause["clause"] == "ssn.approved"]
        self.assertEqual([clause["revision"] for clause in ssn], ["Rev. 2"])
        self.assertEqual(ssn[0]["section"], "COMMUNICATIONS, Silver Spring Networks, paragraph 1")
        self.assertIn(2, [question["number"] for question in verdict["open_questions"]])

    def test_what_the_notice_excludes_is_refused_with_its_clause(self):
        cases = [("SSN", {"model": "FOCUS AX", "form": "1S", "elements": "1", "wires": "2", "class": "20"}, "ssn.forms"),
                 ("SecureMesh", {"form": "1S", "elements": "1", "wires": "2"}, "trilliant.forms"),
                 ("Trilliant SecureMesh", {"form": "12S"}, "trilliant.forms"),
                 ("TS2", {"class": "20"}, "summary.switch"),
                 ("gridstream", {"model": "FOCUS AX-SD", "class": "10"}, "summary.switch")]
        for module, facts, clause in cases:
            with self.subTest(module=module, facts=facts):
                verdict = self.check(module, code=1, **facts)
                self.assertEqual((verdict["verdict"], verdict["allowed"]), ("REFUSED", False))
                self.assertEqual([one["kind"] for one in verdict["findings"]], ["EXCLUDED"])
                self.assertEqual([one["clause"] for one in verdict["findings"][0]["clauses"]], [clause])
                self.assertEqual(verdict["reasons"], [verdict["findings"][0]["message"]])

    def test_unknown_is_exit_1_and_says_so(self):
        for facts in ({"class": "unknown"}, {"model": "unknown"}, {"elements": "unknown"}, {"form": "unknown"},
                      {"wires": "unknown"}):
            with self.subTest(facts=facts):
                verdict = self.check("securemesh", code=1, **facts)
                self.assertEqual((verdict["verdict"], verdict["allowed"]), ("UNKNOWN", False))
                self.assertTrue(all(one["kind"] == "MISSING" for one in verdict["findings"]))
        verdict = self.check("SSN", "--firmware", "5.35", code=1)
        self.assertEqual(verdict["verdict"], "UNKNOWN")
        self.assertEqual(verdict["firmware"]["status"], "UNKNOWN_FIRMWARE")
        self.assertEqual([one["rule"] for one in verdict["findings"]], ["UNKNOWN_FIRMWARE"])

    def test_what_is_not_listed_is_refused(self):
        verdict = self.check("SSN", code=1, model="FOCUS AXS", elements="2", **{"class": "320"})
        self.assertEqual([one["rule"] for one in verdict["findings"]],
                         ["MODEL_NOT_LISTED", "SERVICE_NOT_LISTED", "CLASS_NOT_LISTED"])
        self.assertEqual((verdict["model"], verdict["model_given"]), (None, "FOCUS AXS"))

    def test_module_unheard_of_is_a_usage_error_that_names_the_known_ones(self):
        complaint = self.usage("check", *self.all_of(module="Carrier Pigeon"))
        for key in ("RF_MESH", "SSN", "FLEXNET", "TRILLIANT", "TS2", "UMT", "EMTR3FX"):
            self.assertIn(key, complaint)
        self.assertEqual(self.check("unknown", code=1)["verdict"], "UNKNOWN")

    def test_model_is_written_as_in_the_notice(self):
        self.assertIn("FOCUS AXR-SD", self.usage("check", *self.all_of(model="AXR-SD")))

    def test_alias_is_normalised_and_kept(self):
        verdict = self.check("UMT-R-F")
        self.assertEqual((verdict["module"], verdict["module_given"]), ("UMT", "UMT-R-F"))
        self.assertIn(5, [question["number"] for question in verdict["open_questions"]])

    def test_as_of_a_day(self):
        verdict = self.check("TS2", "--as-of", "2010-05-13", code=1)
        self.assertEqual((verdict["revision"], verdict["as_of"]), ("Rev. 4", "2010-05-13"))
        self.assertEqual([one["rule"] for one in verdict["findings"]], ["MODULE_NOT_YET_APPROVED"])
        self.assertEqual(self.check("TS2", "--as-of", "2010-05-14")["revision"], "Rev. 5")

    def test_remote_disconnect_is_told_and_does_not_change_the_exit_code(self):
        self.assertEqual(self.check("SSN")["remote_disconnect"]["answer"], "ALLOWED")
        silent = self.check("gridstream")["remote_disconnect"]
        self.assertEqual((silent["allowed"], silent["answer"], silent["stated"]), (False, "REFUSED", "NOT_STATED"))
        self.assertIn(1, [question["number"] for question in silent["open_questions"]])
        self.assertFalse(self.check("SSN", model="FOCUS AXR")["remote_disconnect"]["allowed"])

    def test_quantities(self):
        wanted = {"ENERGY_DELIVERED": "APPROVED", "ENERGY_RECEIVED": "NOT_STATED", "ENERGY_NET": "NOT_STATED",
                  "DEMAND_MAX_DELIVERED": "NOT_STATED", "SWITCH_POSITION": "NOT_SUBJECT", "VOLTAGE": "NOT_STATED",
                  "0.0.0.1.1.7.58.0.0.0.0.0.0.0.0.0.42.0": "OUTSIDE"}
        for quantity, status in wanted.items():
            with self.subTest(quantity=quantity):
                code = 0 if status in ("APPROVED", "NOT_SUBJECT") else 1
                verdict = self.check("flexnet", "--firmware", "5.33", "--quantity", quantity, code=code)
                self.assertEqual(verdict["verdict"], "ALLOWED")
                self.assertEqual(verdict["allowed"], code == 0)
                self.assertEqual([one["type_approval"] for one in verdict["quantities"]], [status])
        both = self.check("flexnet", "--firmware", "5.33", "--quantity", "ENERGY_DELIVERED", "--quantity", "ENERGY_NET",
                          code=1)
        self.assertEqual([one["type_approval"] for one in both["quantities"]], ["APPROVED", "NOT_STATED"])

    def test_intervals_by_provenance(self):
        quarter_hour = "0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.3.72.0"
        for provenance, status in (("METER_RECORDER", "APPROVED"), ("MODULE_RECORDER", "NOT_STATED")):
            verdict = self.check("SSN", "--firmware", "5.32", "--quantity", quarter_hour, "--provenance", provenance,
                                 code=0 if status == "APPROVED" else 1)
            self.assertEqual(verdict["quantities"][0]["type_approval"], status)

    def test_tier_tells_both(self):
        verdict = self.check("SSN", "--firmware", "5.34", "--quantity", "0.0.0.9.1.1.12.0.0.0.0.2.0.0.0.3.72.0")
        energy, = verdict["quantities"]
        self.assertEqual((energy["type_approval"], energy["tou_switching_legal"]), ("APPROVED", False))
        self.assertIn(("TOU_ASSIGNMENT", "NOT_SUBJECT"), [(one["aspect"], one["status"]) for one in energy["aspects"]])

    def test_without_a_notice_there_is_no_regime(self):
        verdict = self.check("Anything", "--notice", "none", "--quantity", "VOLTAGE", model="Any")
        self.assertEqual((verdict["verdict"], verdict["notice"]), ("NO_REGIME", None))
        self.assertEqual(verdict["quantities"][0]["type_approval"], "NO_REGIME")
        self.assertFalse(verdict["remote_disconnect"]["allowed"])

    def test_table_only_where_asked_for(self):
        code, out, _ = amictl("approval", "check", *self.all_of(), "--output", "table")
        self.assertEqual(code, 0)
        self.assertTrue(out.startswith(b"ALLOWED by AE-1641, Rev. 6"))
        code, out, _ = amictl("--output", "json", "approval", "check", *self.all_of())
        self.assertEqual(json.loads(out)["verdict"], "ALLOWED")

    def test_usage(self):
        for name in [*SWITCHED, "module"]:
            with self.subTest(without=name):
                facts = self.all_of()
                at = facts.index(f"--{name}")
                self.assertIn(name, self.usage("check", *facts[:at], *facts[at + 2:]))
        for name in [*SWITCHED, "module"]:
            self.assertIn(name, self.usage("check", *self.all_of(**{name: ""})))
        self.assertIn("--class", self.usage("check", *self.all_of(**{"class": "big"})))
        self.assertIn("--elements", self.usage("check", *self.all_of(elements="-1")))
        self.assertIn("--wires", self.usage("check", *self.all_of(wires="2.5")))
        self.assertIn("2010-02-30", self.usage("check", *self.all_of(), "--as-of", "2010-02-30"))
        self.assertIn("18 parts", self.usage("check", *self.all_of(), "--quantity", "KWH"))
        self.usage("check", *self.all_of(), "--provenance", "HEARSAY")
        self.usage("check", *self.all_of(), "--output", "xml")
        self.usage("check", *self.all_of(), "--unheard-of")
        self.usage()

    def test_notice_file_that_is_missing_or_wrong(self):
        self.assertIn("cannot read", self.usage("check", *self.all_of(), "--notice", str(self.folder / "none.yaml")))
        bad = self.file(NOTICE.read_text().replace("    families: [ssn]", "    familys: [ssn]"), "bad.yaml")
        complaint = self.usage("check", *self.all_of(), "--notice", str(bad))
        line = NOTICE.read_text().splitlines().index("    families: [ssn]") + 1
        self.assertIn(f'{bad}:{line}: module "SSN": unknown key "familys", nearest is "families"', complaint)

    def test_data_are_found_where_decode_finds_its_own(self):
        (self.folder / "approvals").mkdir()
        env = {"AMI_CONFIG_DIR": str(self.folder)}
        self.assertIn("no notice of approval", self.usage("check", *self.all_of(), env=env))
        shutil.copy(NOTICE, self.folder / "approvals/one.yaml")
        self.check("SSN", env=env)
        shutil.copy(NOTICE, self.folder / "approvals/two.yaml")
        self.assertIn("several notices", self.usage("check", *self.all_of(), env=env))


class Show(Approval):
    def show(self, *arguments):
        code, out, err = amictl("approval", "show", *arguments)
        self.assertEqual((code, err), (0, b""), err)
        return out.decode()

    def test_whole_notice_and_each_part(self):
        whole = self.show()
        for text in ("AE-1641 Rev. 6", "FOCUS AXR-SD", "Silver Spring Networks", "2010-06-07", "5.34", "RANGE_CONNECTION"):
            self.assertIn(text, whole)
        data = json.loads(self.show("--output", "json"))
        parts = {"models": 4, "services": 2, "ranges": 4, "modules": 7, "firmware": 3, "revisions": 7, "questions": 14}
        for part, count in parts.items():
            with self.subTest(part=part):
                self.assertEqual(len(data[part]), count)
                self.assertEqual(json.loads(self.show(part, "--output", "json"))[part], data[part])
                self.assertEqual(len(self.show(part).splitlines()), count + 1)
        for part in ("quantities", "inferences", "statements", "clauses"):
            self.assertTrue(data[part], part)
        self.assertEqual([one["number"] for one in data["questions"]], list(range(1, 15)))
        topics = {one["topic"]: one["text"] for one in data["statements"]}
        self.assertEqual(topics["operating temperature"], "-40 to 53 C")
        self.assertIn("Cold Start failed", topics["cold start"])

    def test_yes_no_and_not_stated_are_kept_apart(self):
        modules = {one["module"]: one for one in json.loads(self.show("modules", "--output", "json"))["modules"]}
        table = {"RF_MESH": ("YES", "YES", "NOT_STATED"), "SSN": ("NOT_STATED", "NOT_STATED", "YES"),
                 "FLEXNET": ("NOT_STATED", "NOT_STATED", "YES"), "TRILLIANT": ("NOT_STATED", "NOT_STATED", "YES"),
                 "TS2": ("NOT_STATED", "YES", "YES"), "UMT": ("YES", "NOT_STATED", "NOT_STATED"),
                 "EMTR3FX": ("NOT_STATED", "NOT_STATED", "NOT_STATED")}
        for key, stated in table.items():
            module = modules[key]
            self.assertEqual((module["two_way"]["stated"], module["zigbee"]["stated"],
                              module["remote_disconnect"]["stated"]), stated, key)
        revisions = {key: one["revision"] for key, one in modules.items()}
        self.assertEqual(revisions, {"RF_MESH": "Rev. 1", "SSN": "Rev. 2", "FLEXNET": "Rev. 3", "TRILLIANT": "Rev. 4",
                                     "TS2": "Rev. 5", "UMT": "Rev. 6", "EMTR3FX": "Rev. 6"})

    def test_revision_six_says_where_its_date_is_from(self):
        last = json.loads(self.show("revisions", "--output", "json"))["revisions"][-1]
        self.assertEqual((last["revision"], last["issued"], last["effective"]), ("Rev. 6", None, "2010-06-07"))
        self.assertIn("signature", last["note"])

    def test_module_by_alias(self):
        self.assertIn("only form 2S, elements 1.5, wires 3", self.show("securemesh"))
        module = json.loads(self.show("UMT-R-F", "--output", "json"))["module"]
        self.assertEqual((module["module"], module["name"]), ("UMT", "UMT-R-FX"))

    def test_topic_that_is_none(self):
        complaint = self.usage("show", "modulez")
        self.assertIn("EMTR3FX", complaint)
        self.assertIn("questions", complaint)


if __name__ == "__main__":
    unittest.main()
