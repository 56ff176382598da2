// Aligned columns for people. Numbers to the right when every cell of the column is one.
#pragma once

#include <ostream>
#include <string>
#include <vector>

namespace ami::amictl {

// What comes from a vendor must not drive the operator's terminal: control characters become '?'.
std::string harmless(const std::string& text);

class Table {
 public:
  explicit Table(std::vector<std::string> heads) : heads_(std::move(heads)) {}
  void row(std::vector<std::string> cells);  // as many as heads
  void print(std::ostream& out) const;       // control characters are shown as '?'
  [[nodiscard]] bool empty() const noexcept { return rows_.empty(); }

 private:
  std::vector<std::string> heads_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace ami::amictl
