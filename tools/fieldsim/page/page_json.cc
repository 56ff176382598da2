#include "tools/fieldsim/page/page_json.h"

#include <algorithm>
#include <boost/json.hpp>
#include <optional>

namespace ami::fieldsim {
namespace {

namespace json = boost::json;

constexpr std::string_view kBy = "page";

std::optional<unsigned> hex(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  const char low = static_cast<char>(c | 0x20);
  if (low >= 'a' && low <= 'f') return static_cast<unsigned>(low - 'a' + 10);
  return std::nullopt;
}

Result<std::string> unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      const auto high = i + 2 < text.size() ? hex(text[i + 1]) : std::nullopt;
      const auto low = high ? hex(text[i + 2]) : std::nullopt;
      if (!low) return permanent("an escape in the query is no two hexadecimal digits");
      out += static_cast<char>(*high * 16 + *low);
      i += 2;
    }
  }
  return out;
}

std::optional<Effect> carry_out(World& world, MeterIndex meter, std::string_view action) {
  if (action == "cut_power") return world.cut_power(meter, kBy);
  if (action == "restore_power") return world.restore_power(meter, kBy);
  if (action == "jam") return world.jam(meter, true, kBy);
  if (action == "unjam") return world.jam(meter, false, kBy);
  if (action == "press_button") return world.press_button(meter, kBy);
  return std::nullopt;
}

}  // namespace

const Shown* network_named(const std::vector<Shown>& shown, std::string_view name) {
  const auto found = std::find_if(shown.begin(), shown.end(), [&](const Shown& one) { return one.name == name; });
  return found == shown.end() ? nullptr : &*found;
}

PageAnswer page_error(int status, std::string_view words) {
  return {status, json::serialize(json::object{{"error", words}})};
}

Result<std::map<std::string, std::string>> parse_query(std::string_view query) {
  std::map<std::string, std::string> out;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    auto key = unescaped(pair.substr(0, equals));
    auto value = unescaped(equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1));
    if (!key) return key.error();
    if (!value) return value.error();
    if (!out.emplace(*key, *value).second) return permanent("\"" + *key + "\" stands twice in the query");
  }
  return out;
}

PageAnswer act(const std::vector<Shown>& shown, std::string_view body) {
  boost::system::error_code bad;
  const json::value asked = json::parse(json::string_view(body.data(), body.size()), bad);
  if (bad || !asked.is_object()) return page_error(400, "the body is no JSON object");
  const auto text = [&](const char* key) -> std::optional<std::string> {
    const json::value* value = asked.as_object().if_contains(key);
    if (value == nullptr || !value->is_string()) return std::nullopt;
    return std::string(value->as_string());
  };
  const auto name = text("network"), meter = text("meter"), action = text("action");
  if (!name || !meter || !action) return page_error(400, "network, meter and action are texts, and needed");
  const Shown* network = network_named(shown, *name);
  if (network == nullptr) return page_error(404, "no such network");
  const auto index = network->world.find(*meter);
  if (!index) return page_error(404, "no such meter in service");
  const auto effect = carry_out(network->world, *index, *action);
  if (!effect) {
    return page_error(400,
                      "\"" + *action + "\" is not among cut_power, restore_power, jam, unjam, press_button");
  }
  json::object done;
  done["result"] = effect->result;
  done["switch"] = effect->state ? json::value(virtual_meter::name_of(*effect->state)) : json::value(nullptr);
  return {200, json::serialize(done)};
}

}  // namespace ami::fieldsim
