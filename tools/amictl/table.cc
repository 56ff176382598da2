#include "tools/amictl/table.h"

#include <algorithm>
#include <stdexcept>

namespace ami::amictl {

std::string harmless(const std::string& text) {
  std::string shown;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool c1 = byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    shown += byte < 0x20 || byte == 0x7F || c1 ? '?' : text[i];
    if (c1) ++i;  // U+0080 to U+009F: two bytes, and a terminal may obey them as it does ESC
  }
  return shown;
}

namespace {

bool is_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789.-+") == std::string::npos;
}

std::size_t columns_of(const std::string& text) {  // UTF-8 characters, not bytes
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

void Table::row(std::vector<std::string> cells) {
  if (cells.size() != heads_.size()) throw std::logic_error("table row with the wrong number of cells");
  std::transform(cells.begin(), cells.end(), cells.begin(), harmless);
  rows_.push_back(std::move(cells));
}

void Table::print(std::ostream& out) const {
  std::vector<std::size_t> widths;
  std::vector<bool> right;
  for (std::size_t c = 0; c < heads_.size(); ++c) {
    std::size_t width = columns_of(heads_[c]);
    bool numbers = !rows_.empty();
    for (const auto& row : rows_) {
      width = std::max(width, columns_of(row[c]));
      numbers = numbers && (row[c].empty() || is_number(row[c]));
    }
    widths.push_back(width);
    right.push_back(numbers);
  }
  const auto line = [&](const std::vector<std::string>& cells) {
    std::string text;
    for (std::size_t c = 0; c < cells.size(); ++c) {
      const std::string pad(widths[c] - columns_of(cells[c]), ' ');
      text += (c == 0 ? "" : "  ") + (right[c] ? pad + cells[c] : cells[c] + pad);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out << text << '\n';
  };
  line(heads_);
  for (const auto& row : rows_) line(row);
}

}  // namespace ami::amictl
