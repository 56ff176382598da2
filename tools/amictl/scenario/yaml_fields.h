// Strict reading of one YAML mapping: every key known and given once, every value of its kind and in its
// range. Problems are collected, each with the line it stands on, so that an author sees all of them at once.
#pragma once

#include <yaml-cpp/yaml.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "meter_model/quantity/decimal.h"
#include "tools/amictl/scenario/elapsed.h"

namespace ami::amictl {

class YamlProblems {
 public:
  explicit YamlProblems(std::string file) : file_(std::move(file)) {}

  void add(int line, const std::string& message) { problems_.emplace_back(line, message); }
  void add(const YAML::Node& at, const std::string& message) { add(at.Mark().line + 1, message); }
  [[nodiscard]] std::size_t count() const { return problems_.size(); }
  // "file:line: message", one a line, in the order of the lines.
  [[nodiscard]] std::string text() const;

 private:
  std::string file_;
  std::vector<std::pair<int, std::string>> problems_;
};

// The readers give nullopt both for a key that is absent and for a value that is wrong (then with a problem
// added), so that a default stands in for either and reading goes on.
class YamlFields {
 public:
  // `what` names the mapping in messages, as "meter". Reports what is no mapping, unknown keys (with the
  // nearest known one) and keys given twice.
  YamlFields(YAML::Node node, std::string what, std::vector<std::string_view> known, YamlProblems& problems);

  [[nodiscard]] bool has(std::string_view key) const;
  [[nodiscard]] YAML::Node node(std::string_view key) const;
  [[nodiscard]] int line() const { return node_.Mark().line + 1; }
  [[nodiscard]] int line(std::string_view key) const;  // of the key; of the mapping when absent

  // Adds a problem at the key's line (at the mapping's when the key is absent).
  void problem(std::string_view key, const std::string& message);
  // Whether the key is there; if not, that is a problem.
  bool required(std::string_view key);
  // Whether a mapping stands there; anything else that does is a problem.
  bool mapping(std::string_view key);

  std::optional<std::string> text(std::string_view key);
  std::optional<bool> boolean(std::string_view key);
  std::optional<std::int64_t> whole(std::string_view key, std::int64_t least, std::int64_t most);
  std::optional<double> number(std::string_view key, double least, double most);
  std::optional<Decimal> decimal(std::string_view key);
  // Seconds, exact to a microsecond.
  std::optional<Elapsed> seconds(std::string_view key, Elapsed least, Elapsed most);
  // The index of the value among `words`.
  std::optional<std::size_t> word(std::string_view key, std::span<const std::string_view> words);
  // The items of a list; empty when absent.
  std::vector<YAML::Node> list(std::string_view key);

 private:
  YAML::Node node_;
  std::string what_;
  YamlProblems& problems_;
  bool usable_ = false;
};

}  // namespace ami::amictl
