// Reading YAML with words for whoever has to mend it: each problem with its line, an unknown word with the
// nearest known one. Only for the sources of this folder.
#pragma once

#include <yaml-cpp/yaml.h>

#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "meter_model/quantity/decimal.h"

namespace ami::approval {

class YamlProblems {
 public:
  explicit YamlProblems(const std::string& file) : file_(file) {}

  void add(const YAML::Node& at, const std::string& message);
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  const std::string& file_;
  std::string text_;  // one a line
};

// The known word that takes the fewest edits to get from `word`; "" when there is none.
std::string nearest_word(std::string_view word, std::span<const std::string> known);

// One mapping. Anything wrong is told to `problems`, and the reader goes on with an empty value.
class Fields {
 public:
  Fields(YamlProblems& problems, const YAML::Node& node, std::string what,
         std::initializer_list<std::string_view> known, std::span<const std::string_view> known_too = {});

  [[nodiscard]] bool has(const char* key) const;
  [[nodiscard]] YAML::Node at(const char* key) const;  // the mapping itself where the key is missing
  void problem(const char* key, const std::string& message) const;

  [[nodiscard]] std::string text(const char* key) const;                                 // needed, not empty
  [[nodiscard]] std::string optional_text(const char* key) const;                        // "" when left out
  [[nodiscard]] std::optional<int> integer(const char* key, int least, int most) const;  // needed
  [[nodiscard]] Decimal number(const char* key) const;                                   // needed
  [[nodiscard]] std::vector<std::string> texts(const char* key) const;  // a list; none when left out
  [[nodiscard]] std::vector<YAML::Node> list(const char* key) const;    // likewise, of anything
  // The entries of a mapping of names to anything; no name twice, none empty.
  [[nodiscard]] std::vector<std::pair<std::string, YAML::Node>> entries(const char* key) const;
  // One of the words that `from` takes; names the nearest of `words` otherwise.
  template <class T>
  [[nodiscard]] T word(const char* key, std::optional<T> (*from)(std::string_view),
                       std::initializer_list<std::string> words, T otherwise) const {
    const std::string written = text(key);
    if (written.empty()) return otherwise;
    if (const std::optional<T> value = from(written)) return *value;
    unknown_word(key, written, words);
    return otherwise;
  }
  void unknown_word(const char* key, const std::string& written, std::span<const std::string> known) const;
  void unknown_word(const char* key, const std::string& written,
                    std::initializer_list<std::string> known) const {
    unknown_word(key, written, std::span<const std::string>(known.begin(), known.size()));
  }

 private:
  YamlProblems& problems_;
  YAML::Node node_;
  std::string what_;
};

std::optional<int> whole_number(const std::string& written, int least, int most);

}  // namespace ami::approval
