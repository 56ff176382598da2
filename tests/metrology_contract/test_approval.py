"""`amictl approval` against a table of its own, drawn from notice AE-1641 Rev. 6 and metrology reference 1.2 to 1.5."""
import itertools
import json
import re

from tool import Case, amictl, main, strict_json

MODELS = ("FOCUS AX", "FOCUS AX-SD", "FOCUS AXR", "FOCUS AXR-SD")
KEYS = ("RF_MESH", "SSN", "FLEXNET", "TRILLIANT", "TS2", "UMT", "EMTR3FX")
# what the notice itself or a requirement calls them
ALIASES = {"UMT-R-F": "UMT", "UMT-R-FX": "UMT", "EMTR-3": "EMTR3FX", "EMTR-3-FX": "EMTR3FX",
           "RES-3000-FocusAX-P": "TRILLIANT"}
NAMES = {"RF Mesh Endpoint": "RF_MESH", "Gridstream RF Mesh endpoint": "RF_MESH", "Silver Spring Networks": "SSN",
         "Sensus FlexNet": "FLEXNET", "FlexNet": "FLEXNET", "Trilliant SecureMesh": "TRILLIANT",
         "TS2 with Zigbee": "TS2"}
# (form, elements, wires): 1S and 2S self-contained, 3S and 4S transformer-rated are the usual ones [K]
ONE, TWO = ("1S", "1", "2"), ("2S", "1.5", "3")
CLASSES = (10, 20, 100, 200)
SWITCH = {"SSN": True, "FLEXNET": True, "TRILLIANT": True, "TS2": True, "RF_MESH": False, "UMT": False}


def allowed(model, form, elements, wires, current_class, module):
    """The verdict of the notice: restrictions of the two clauses that have one, and SD only on self-contained."""
    if model.endswith("-SD") and current_class in (10, 20):
        return False
    if module == "SSN" and (elements, wires, current_class) == ("1", "2", 20):
        return False
    if module == "TRILLIANT" and (form, elements, wires) != ("2S", "1.5", "3"):
        return False
    return True


def walk(value, path=()):
    """Every mapping with the path to it."""
    if isinstance(value, dict):
        yield path, value
        for key, item in value.items():
            yield from walk(item, (*path, key))
    elif isinstance(value, list):
        for item in value:
            yield from walk(item, path)


class Approval(Case):
    def ask(self, model, form, elements, wires, current_class, module, *more, code):
        arguments = ["--model", model, "--form", form, "--elements", elements, "--wires", wires,
                     "--class", str(current_class), "--module", module, *more]
        got, out, err = amictl("approval", "check", *arguments)
        self.assertEqual(got, code, f"{' '.join(arguments)}: stdout {out[:1200]} stderr {err[:500]}")
        if code == 2:
            self.assertEqual(out, "")
            self.assertTrue(err.strip())
            return err
        verdict = strict_json(out)
        self.clauses(verdict)
        return verdict

    def clauses(self, verdict):
        """A clause for every verdict."""
        found = 0
        for path, mapping in walk(verdict):
            if not any(re.fullmatch(r"verdict|answer", key) and isinstance(value, (str, bool))
                       for key, value in mapping.items()):
                continue
            found += 1
            texts = [value for key, value in mapping.items() if re.search("clause", key)]
            self.assertTrue(any(json.dumps(t).strip('"[]{} ') for t in texts), f"no clause at {path}: {mapping}")
        text = json.dumps(verdict)
        self.assertIn("clause", text)
        self.assertIn("AE-1641", text)
        self.assertGreater(found, 0, f"a verdict with its clause: {text[:800]}")

    def says(self, verdict, subject, word):
        """Whether a mapping about `subject` holds `word`."""
        return any(re.search(subject, json.dumps([path, {k: v for k, v in m.items() if isinstance(v, (str, bool))}]),
                             re.I)
                   and any(isinstance(v, str) and word in v for v in m.values()) for path, m in walk(verdict))


class Table(Approval):
    def test_every_model_module_and_rating(self):
        for module in KEYS:
            for model, shape, rating in itertools.product(MODELS, (ONE, TWO), CLASSES):
                with self.subTest(module=module, model=model, shape=shape, rating=rating):
                    want = allowed(model, *shape, rating, module)
                    self.ask(model, *shape, rating, module, code=0 if want else 1)

    def test_aliases_answer_as_the_module_they_name(self):
        for alias, key in ALIASES.items():
            for model, shape, rating in (("FOCUS AXR-SD", TWO, 200), ("FOCUS AXR", ONE, 200), ("FOCUS AX", ONE, 20)):
                with self.subTest(alias=alias, model=model):
                    code = 0 if allowed(model, *shape, rating, key) else 1
                    verdict = self.ask(model, *shape, rating, alias, code=code)
                    plain = self.ask(model, *shape, rating, key, code=code)
                    self.assertIn(alias, json.dumps(verdict), "the raw name is kept")
                    self.assertEqual(sorted(self.words(verdict)), sorted(self.words(plain)))

    @staticmethod
    def words(verdict):
        return [v for _, m in walk(verdict) for k, v in m.items() if re.fullmatch("verdict|answer",
                k) and isinstance(v, str)]

    def test_names_of_the_notice_are_known(self):
        for name, key in NAMES.items():
            with self.subTest(name):
                self.ask("FOCUS AXR-SD", *TWO, 200, name, code=0 if allowed("FOCUS AXR-SD", *TWO, 200, key) else 1)


class SilverSpring(Approval):
    """Every form except the 1 element, 2 wire, 20 A."""

    def test_the_one_exception(self):
        for model in ("FOCUS AX", "FOCUS AXR"):
            verdict = self.ask(model, "1S", "1", "2", 20, "SSN", code=1)
            self.assertRegex(json.dumps(verdict), "(?i)silver|ssn")
            self.ask(model, "3S", "1", "2", 20, "SSN", code=1)
            self.ask(model, "1S", "1.0", "2", 20, "SSN", code=1)

    def test_near_misses_are_allowed(self):
        for rating in (10, 100, 200):
            self.ask("FOCUS AXR", "1S", "1", "2", rating, "SSN", code=0)
        self.ask("FOCUS AXR", "4S", "1.5", "3", 20, "SSN", code=0)

    def test_the_exception_is_of_no_other_module(self):
        for module in ("RF_MESH", "FLEXNET", "TS2", "UMT"):
            self.ask("FOCUS AXR", "1S", "1", "2", 20, module, code=0)


class SecureMesh(Approval):
    """Form 2S, 1.5 elements, 3 wires: all three."""

    def test_only_all_three(self):
        self.ask("FOCUS AXR", "2S", "1.5", "3", 200, "TRILLIANT", code=0)
        for form, elements, wires in (("1S", "1", "2"), ("4S", "1.5", "3"), ("3S", "1", "2"), ("2S", "1", "2"),
                                      ("1S", "1.5", "3")):
            with self.subTest(form=form, elements=elements):
                self.ask("FOCUS AXR", form, elements, wires, 200, "TRILLIANT", code=1)


class ServiceSwitch(Approval):
    def test_sd_on_a_transformer_rated_meter_is_refused_whatever_the_module(self):
        for model, module, rating in itertools.product(("FOCUS AX-SD", "FOCUS AXR-SD"), ("RF_MESH", "FLEXNET", "TS2"),
                                                       (10, 20)):
            self.ask(model, *TWO, rating, module, code=1)
            self.ask(model.removesuffix("-SD"), *TWO, rating, module, code=0)

    def test_what_the_notice_says_of_switching_by_a_module(self):
        for module, stated in SWITCH.items():
            with self.subTest(module):
                verdict = self.ask("FOCUS AXR-SD", *TWO, 200, module, code=0)
                self.assertEqual(self.says(verdict, "switch|disconnect", "NOT_STATED"), not stated,
                                 json.dumps(verdict)[:1500])

    def test_not_stated_never_becomes_no(self):
        for module in ("RF_MESH", "UMT"):
            verdict = self.ask("FOCUS AXR-SD", *TWO, 200, module, code=0)
            for path, m in walk(verdict):
                if re.search("switch|disconnect", json.dumps([path, m]), re.I):
                    self.assertNotIn(m.get("verdict"), ("NO",), m)


class Firmware(Approval):
    def test_named_firmware(self):
        for version in ("5.32", "5.33", "5.34"):
            verdict = self.ask("FOCUS AXR", *TWO, 200, "RF_MESH", "--firmware", version, code=0)
            self.assertFalse(self.says(verdict, "firmware", "UNKNOWN"), json.dumps(verdict)[:1500])

    def test_any_other_firmware_is_unknown_and_said(self):
        for version in ("5.35", "5.31", "5.3", "5.330", "05.33", "6.00", "5.33b", "*"):
            with self.subTest(version):
                arguments = ["approval", "check", "--model", "FOCUS AXR", "--form", "2S", "--elements", "1.5",
                             "--wires", "3",
                             "--class", "200", "--module", "RF_MESH", "--firmware", version]
                code, out, err = amictl(*arguments)
                if version in ("*", "05.33", "5.330") and code == 2:
                    self.assertTrue(err.strip())  # no version at all may be a usage error
                    continue
                self.assertIn(code, (0, 1))  # the text says UNKNOWN and "no silent accept", not which of the two exits
                verdict = strict_json(out)
                self.clauses(verdict)
                self.assertTrue(self.says(verdict, "firmware", "UNKNOWN"), out[:1500])

    def test_unknown_firmware_lifts_no_refusal(self):
        self.ask("FOCUS AXR", "1S", "1", "2", 20, "SSN", "--firmware", "9.99", code=1)


class Interface(Approval):
    def test_emtr_may_be_carried_but_is_outside_the_approval(self):
        for name in ("EMTR3FX", "EMTR-3", "EMTR-3-FX"):
            verdict = self.ask("FOCUS AXR", *TWO, 200, name, code=0)
            self.assertRegex(json.dumps(verdict), "OUTSIDE|does not include the approval of this interface")


class Quantities(Approval):
    """type_approval of a quantity through a module, by --quantity and its codes of metrology reference 4.2."""
    CODES = {"delivered": "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0", "received": "0.0.0.1.19.1.12.0.0.0.0.0.0.0.0.3.72.0",
             "net": "0.0.0.1.4.1.12.0.0.0.0.0.0.0.0.3.72.0", "delivered_wh": "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0",
             "max_kw": "8.8.53.6.1.1.8.0.0.0.0.0.0.0.0.3.38.0", "tier": "0.0.0.9.1.1.12.0.0.0.0.2.0.0.0.3.72.0",
             "water": "0.0.0.1.1.9.58.0.0.0.0.0.0.0.0.0.42.0", "gas": "0.0.0.1.1.7.58.0.0.0.0.0.0.0.0.0.42.0",
             "voltage": "0.0.0.12.0.1.54.0.0.0.0.0.0.0.768.0.29.0"}

    def of(self, module, quantity, firmware="5.33", model="FOCUS AXR"):
        arguments = ["--model", model, "--form", "2S", "--elements", "1.5", "--wires", "3", "--class", "200",
                     "--module", module, "--quantity", self.CODES[quantity]]
        code, out, err = amictl("approval", "check", *arguments, *(["--firmware", firmware] if firmware else []))
        self.assertIn(code, (0, 1), err)
        verdict = strict_json(out)
        (one,) = [m for _, m in walk(verdict) if m.get("reading_type") == self.CODES[quantity]]
        self.assertTrue(any(json.dumps(v).strip('"[]{} ') for k, v in one.items() if "clause" in k), f"no clause: {one}")
        return one

    def test_consumption_only_modules(self):
        for module in ("SSN", "FLEXNET", "UMT"):
            self.assertEqual(self.of(module, "delivered")["type_approval"], "APPROVED", module)
        for module in ("SSN", "FLEXNET", "TRILLIANT", "UMT"):
            for quantity in ("received", "net"):
                with self.subTest(module=module, quantity=quantity):
                    self.assertEqual(self.of(module, quantity)["type_approval"], "NOT_STATED")

    def test_rf_mesh_carries_every_unit_of_the_host(self):
        for quantity in ("delivered", "received", "net", "max_kw"):
            with self.subTest(quantity):
                self.assertEqual(self.of("RF_MESH", quantity)["type_approval"], "APPROVED")

    def test_ts2_states_no_quantity(self):
        for quantity in ("delivered", "received", "net", "max_kw"):
            with self.subTest(quantity):
                self.assertEqual(self.of("TS2", quantity)["type_approval"], "NOT_STATED")

    def test_the_unit_of_securemesh_is_not_stated(self):
        self.assertRegex(json.dumps(self.of("TRILLIANT", "delivered")), "NOT_STATED")

    def test_demand_through_a_consumption_only_module_is_never_approved(self):
        for module in ("SSN", "FLEXNET", "UMT", "TRILLIANT"):
            with self.subTest(module):
                self.assertNotEqual(self.of(module, "max_kw")["type_approval"], "APPROVED")

    def test_water_and_gas_are_outside(self):
        for quantity in ("water", "gas"):
            self.assertEqual(self.of("EMTR3FX", quantity)["type_approval"], "OUTSIDE")

    def test_voltage_is_no_approved_quantity(self):
        self.assertNotEqual(self.of("RF_MESH", "voltage")["type_approval"], "APPROVED")

    def test_the_assignment_to_a_tier_is_not_subject(self):
        one = self.of("RF_MESH", "tier")
        self.assertIn("NOT_SUBJECT", json.dumps(one))
        if "tou_switching_legal" in one:
            self.assertIs(one["tou_switching_legal"], False)

    def test_firmware_decides_before_the_quantity_does(self):
        for firmware in ("5.35", None):
            self.assertEqual(self.of("RF_MESH", "delivered", firmware)["type_approval"], "UNKNOWN")


class OutsideTheNotice(Approval):
    def not_allowed(self, *arguments):
        code, out, err = amictl("approval", "check", *arguments)
        self.assertIn(code, (1, 2), f"{arguments}: {out[:500]}")
        if code == 1:
            self.clauses(strict_json(out))
        else:
            self.assertEqual(out, "")
            self.assertTrue(err.strip())

    def case(self, **changes):
        values = {"model": "FOCUS AXR", "form": "2S", "elements": "1.5", "wires": "3", "class": "200",
                  "module": "RF_MESH"}
        values.update(changes)
        return [x for key, value in values.items() for x in (f"--{key}", value)]

    def test_ratings_services_and_models_that_are_not_listed(self):
        for change in ({"class": "320"}, {"class": "30"}, {"class": "2"}, {"elements": "2", "wires": "3"},
                       {"elements": "1", "wires": "3"}, {"elements": "1.5", "wires": "2"}, {"elements": "3",
                               "wires": "4"},
                       {"model": "FOCUS AXRR"}, {"model": "FOCUS"}, {"model": "FOCUS AX-R"}, {"model": "FOCUS AL"},
                       {"model": "FOCUS AXR-SD-SD"}, {"model": "FOCUS AX SD"}, {"model": "AXR"}):
            with self.subTest(change):
                self.not_allowed(*self.case(**change))


class Usage(Approval):
    def usage(self, *arguments):
        code, out, err = amictl("approval", *arguments)
        self.assertEqual((code, out), (2, ""), err)
        self.assertTrue(err.strip())
        return err

    def full(self, **changes):
        return OutsideTheNotice.case(self, **changes)

    def test_unknown_module_names_the_known_ones(self):
        for name in ("GPRS", "SSN2", "UMT-R-G"):
            with self.subTest(name):
                err = self.usage("check", *self.full(module=name))
                for key in KEYS:
                    self.assertIn(key, err)

    def test_no_module_at_all(self):
        self.usage("check", *self.full(module=""))

    def test_each_option_is_needed(self):
        for option in ("model", "form", "elements", "wires", "class", "module"):
            with self.subTest(option):
                arguments = self.full()
                at = arguments.index(f"--{option}")
                self.assertIn(option, self.usage("check", *arguments[:at], *arguments[at + 2:]))

    def test_values_that_are_no_numbers(self):
        for option, value in (("elements", "one"), ("elements", ""), ("elements", "nan"), ("elements", "-1"),
                              ("wires", "three"),
                              ("wires", "3.5"), ("wires", "-3"), ("class", "CL"), ("class", "-200"), ("class", "1e99"),
                              ("class", ""), ("wires", "99999999999999999999")):
            with self.subTest(option=option, value=value):
                code, out, err = amictl("approval", "check", *self.with_equals(option, value))
                self.assertEqual((code, out), (2, ""), f"{out[:400]} {err[:400]}")
                self.assertTrue(err.strip())

    def with_equals(self, option, value):
        """--key=value, so that a leading minus is no option."""
        arguments = self.full(**{option: value})
        return [f"{k}={v}" for k, v in zip(arguments[::2], arguments[1::2])]

    def test_nothing_asked(self):
        self.usage()
        self.usage("check")
        self.usage("check", *self.full(), "--colour", "red")
        self.usage("chekc")


class Show(Approval):

    def test_names_all_revisions_with_their_dates(self):
        code, out, err = amictl("approval", "show")
        self.assertEqual(code, 0, err)
        self.assertIn("AE-1641", out)
        self.assertRegex(out, "(?i)original")
        for date in ("2009-06-22", "2010-03-29", "2010-03-30", "2010-05-05", "2010-05-14", "2010-06-07"):
            self.assertIn(date, out)
        for revision in range(1, 7):
            self.assertRegex(out, rf"(?m)(?i:rev\w*\.?\"?:?\s*\"?{revision}\b|^\s*{revision}\b)", f"revision {revision}")

    def test_names_what_is_approved(self):
        _, out, _ = amictl("approval", "show")
        for text in (*MODELS, "5.32", "5.33", "5.34"):
            self.assertIn(text, out)
        for text in ("RF.?Mesh", "SSN|Silver", "FlexNet", "RES-3000-FocusAX-P|SecureMesh", "TS2", "UMT-R-FX",
                     "EMTR-3-FX"):
            self.assertRegex(out, f"(?i){text}")

    def test_open_questions_are_reported(self):
        """1.5 has fourteen; they are told, never resolved silently."""
        _, out, _ = amictl("approval", "show")
        if not re.search("(?i)question|ambigu", out):
            _, out, _ = amictl("--output", "json", "approval", "show")
        self.assertRegex(out, "(?i)question|ambigu")

    def test_as_json(self):
        code, out, err = amictl("--output", "json", "approval", "show")
        self.assertEqual(code, 0, err)
        strict_json(out)


if __name__ == "__main__":
    main()
