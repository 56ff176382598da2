// A notice of approval as data: what it states, where it states it, and since which revision. Read from a
// file of config/approvals by parse_notice (notice_yaml.h). Values; immutable in use, so any thread may share
// one.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "meter_model/approval/stated.h"
#include "meter_model/quantity/decimal.h"

namespace ami::approval {

using Date = std::chrono::year_month_day;
// The day for which a question is asked; nullopt = the notice as it stands in its last revision. Notices
// carry civil dates: whoever asks about an instant turns it into the utility's civil date first.
using AsOf = std::optional<Date>;

// "2010-06-07". nullopt: no such day, or another form.
std::optional<Date> parse_date(std::string_view text);
std::string to_text(Date date);

struct Revision {
  int number = 0;              // 0 = the original issue
  std::optional<Date> issued;  // as the notice's table of revisions has it
  Date effective{};            // issued, or else the day of the signature
  std::string content;         // what it was for
  std::string evaluator;
  std::string note;  // why `effective` is not `issued`, and other remarks
};

// A place in the notice, quoted shortly.
struct Clause {
  std::string key;      // "ssn.forms": how facts name it
  std::string section;  // heading and place: "COMMUNICATIONS, Silver Spring Networks, paragraph 1"
  std::string text;     // the words themselves
  int revision = 0;     // that brought them
};

// An ambiguity of the notice. Carried with each verdict that it touches, never resolved silently.
struct Question {
  int number = 0;
  std::string text;
  std::string handling;  // what is done until it is answered
};

// A reading of the notice that the notice does not print: flagged wherever a verdict leans on it.
struct Inference {
  std::string key;  // "RANGE_CONNECTION"
  std::string text;
};

// Where a fact stands and what is doubtful about it. Keys and numbers are known to the notice: the parser
// checks that.
struct Basis {
  std::vector<std::string> clauses;
  std::optional<int> revision;  // that brought the fact; nullopt = the notice does not say which
  std::vector<int> questions;
  std::vector<std::string> inferences;
};

// Facts about an installation that a restriction may ask for; nullopt = not asked.
struct Condition {
  std::optional<std::string> form;
  std::optional<Decimal> elements;
  std::optional<int> wires;
  std::optional<Decimal> class_a;
  std::optional<Connection> connection;
};

struct Restriction {
  enum class Kind : std::uint8_t { Only, Except };  // allowed only where all hold; not allowed where all hold
  Kind kind = Kind::Only;
  Condition condition;
  Basis basis;
};

struct StatedFact {
  Stated stated = Stated::NotStated;
  Basis basis;
};

struct Model {
  std::string name;  // "FOCUS AXR-SD"
  std::vector<std::string> aliases;
  StatedFact recorder;        // internal pulse recorder
  StatedFact service_switch;  // remote disconnect switch
  std::vector<Restriction> restrictions;
  Basis basis;
};

struct Service {
  Decimal elements;
  int wires = 0;
  std::string phase;
  Basis basis;
};

struct CurrentRange {
  Decimal min_a, max_a;  // the class is max_a
  std::optional<Connection> connection;
  Basis basis;
  Basis connection_basis;
};

struct Firmware {
  std::string version;
  Basis basis;  // without a revision: approved by the notice as it stands, unknown before
};

// A kind of quantity, in the names of the reading type's parts. What is nullopt or empty matches anything.
struct QuantityMatch {
  std::int32_t kind = 0;                    // measurementKind
  std::optional<std::int32_t> flow;         // flowDirection
  std::vector<std::int32_t> accumulations;  // of the canonical reading type
  std::optional<std::int32_t> unit;         // uom, whatever the scale
};

// What the notice says of a quantity of the host meter. The first rule that matches counts; no rule: silent.
struct QuantityRule {
  QuantityMatch match;
  TypeApproval status = TypeApproval::NotStated;  // Approved, NotStated, Outside or NotSubject
  Basis basis;
};

// What a module may transmit.
struct Transmits {
  enum class Scope : std::uint8_t {
    Host,
    Listed,
    NotStated,
    Outside
  };  // Host: all that the meter is approved for
  Scope scope = Scope::NotStated;
  std::vector<QuantityMatch> quantities;  // for Listed
  std::string words;                      // the notice's own: "energy consumption"
  Basis basis;
};

struct ModuleUnit {
  Stated stated = Stated::NotStated;
  std::string words;                // "kW·h"
  std::vector<std::int32_t> units;  // uom codes, whatever the scale; empty = those of the host meter
  Basis basis;
};

struct TextFact {
  Stated stated = Stated::NotStated;
  std::string text;
  Basis basis;
};

struct Module {
  std::string key;   // "SSN": canonical name in verdicts
  std::string name;  // as on page 1
  std::vector<std::string> aliases;
  std::vector<std::string> families;  // adapter families of the gateway that it is read through
  TextFact maker, bearer;
  Transmits transmits;
  ModuleUnit unit;
  StatedFact two_way, zigbee, remote_disconnect;
  std::vector<Restriction> restrictions;
  Basis basis;  // the clause that approves the meter with it, and the revision that brought it
};

// A statement that no verdict needs, kept so that the notice can be shown whole.
struct Statement {
  std::string topic;
  std::string text;
  Basis basis;
};

struct Notice {
  std::string name;  // "AE-1641"
  int revision = 0;
  Date signed_on{};
  std::string authority, device_type, applicant, manufacturer;
  std::vector<Revision> revisions;  // by number
  std::vector<Clause> clauses;
  std::vector<Question> questions;
  std::vector<Inference> inferences;

  std::vector<Model> models;
  std::vector<Service> services;
  std::vector<CurrentRange> ranges;
  Basis pairing;  // how form, elements, wires and class may go together
  std::vector<Firmware> firmware;
  Basis firmware_basis;
  std::vector<std::int32_t> commodities;  // that the notice is about
  Basis commodity_basis;
  std::vector<QuantityRule> quantities;
  Basis unnamed_quantities;  // where the quantities are listed that it is approved for
  Basis tou_assignment;      // which tier was active when
  Basis module_recorder;     // a load profile kept by a module
  Basis processed;           // a value computed outside the meter
  std::vector<Module> modules;
  Basis module_list;                                   // where the modules are listed
  std::optional<Decimal> least_celsius, most_celsius;  // operating temperature; nullopt = not stated
  Basis temperature;
  std::vector<std::string> cold_start_messages;  // all of which a secured meter shows
  Basis cold_start;
  std::vector<Statement> statements;

  // By name or alias: models exactly as written, modules whatever the case, blanks and punctuation.
  [[nodiscard]] const Model* model_named(std::string_view text) const;
  [[nodiscard]] const Module* module_named(std::string_view text) const;  // key, name, alias or family
  [[nodiscard]] const Clause* clause(std::string_view key) const;
  [[nodiscard]] const Question* question(int number) const;
  [[nodiscard]] const Inference* inference(std::string_view key) const;
  [[nodiscard]] const Revision* revision_numbered(int number) const;
  // The revision in force; nullptr = none was yet.
  [[nodiscard]] const Revision* in_force(AsOf as_of) const;
};

// "Original" or "Rev. 2".
std::string revision_name(int number);
// The text reduced to lower-case letters and digits: how module names are compared.
std::string folded(std::string_view text);

}  // namespace ami::approval
