#include "tools/fieldsim/books.h"

#include <array>
#include <cstdio>

#include "meter_model/virtual_meter/counter_random.h"

namespace ami::fieldsim {
namespace {

constexpr std::array<std::string_view, 18> kColumns{"meter",       "badge",       "manufacturer_serial",
                                                    "module",      "mac",         "model",
                                                    "form",        "elements",    "wires",
                                                    "class",       "module_type", "board",
                                                    "usage_point", "zone",        "commodity",
                                                    "feeder",      "transformer", "valid_from"};

template <class Number>
std::string in_digits(const char* format, Number number) {
  char text[24];
  const int length = std::snprintf(text, sizeof text, format, number);
  return {text, static_cast<std::size_t>(length)};
}

// As a virtual meter states them (virtual_meter::Identity).
std::string serial_of(std::uint32_t number) {
  return in_digits("%010u", number);
}
std::string module_of(const World& world, std::uint32_t number) {
  return in_digits("%016llx", static_cast<unsigned long long>(virtual_meter::random_bits(
                                  world.plan().site.seed(), virtual_meter::Stream::Module, number, 0)));
}

std::string mac_of(const std::string& module) {
  std::string mac;
  for (std::size_t i = 0; i < module.size(); i += 2) {
    if (i > 0) mac += ':';
    mac += module.substr(i, 2);
  }
  return mac;
}

void add_row(const BookRow& row, std::string& csv) {
  for (std::size_t i = 0; i < kColumns.size(); ++i) {
    if (i > 0) csv += ',';
    if (const auto cell = row.find(std::string(kColumns.at(i))); cell != row.end()) csv += cell->second;
  }
  csv += '\n';
}

}  // namespace

std::string books_csv(std::span<const BooksOf> networks, const std::string& zone, UtcInstant valid_from) {
  std::string csv;
  for (std::size_t i = 0; i < kColumns.size(); ++i) csv += (i > 0 ? "," : "") + std::string(kColumns.at(i));
  csv += '\n';
  const std::string since = to_text(valid_from);
  for (const BooksOf& network : networks) {
    for (MeterIndex i = 0; i < network.world.size(); ++i) {
      const MeterPlan& meter = network.world.books(i);
      const std::string module = module_of(network.world, meter.setup.number);
      BookRow row{{"meter", meter.name},
                  {"badge", meter.name},
                  {"manufacturer_serial", serial_of(meter.setup.number)},
                  {"module", module},
                  {"model", std::string(meter.setup.model.name())},
                  {"form", "2S"},
                  {"elements", "1.5"},
                  {"wires", "3"},
                  {"class", "200"},
                  {"module_type", std::string(network.module_type)},
                  {"zone", zone},
                  {"commodity", "electricity"},
                  {"valid_from", since}};
      if (!meter.installed) {
        row["usage_point"] = meter.usage_point;
        row["feeder"] = meter.feeder;
        row["transformer"] = meter.transformer;
      }
      if (network.module_type == "SSN") row["mac"] = mac_of(module);
      add_row(row, csv);
    }
    for (BookRow row : network.more) {
      row.try_emplace("badge", row["meter"]);
      row.try_emplace("zone", zone);
      row.try_emplace("valid_from", since);
      add_row(row, csv);
    }
  }
  return csv;
}

}  // namespace ami::fieldsim
