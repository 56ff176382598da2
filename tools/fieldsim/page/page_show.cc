// What is to be seen of a field: networks, meters, and what was sent and done lately.
#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <cmath>
#include <iterator>
#include <optional>

#include "tools/fieldsim/page/page_json.h"

namespace ami::fieldsim {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostMeters = 500, kUsualMeters = 100;

PageAnswer answer(const json::object& object) {
  return {200, json::serialize(object)};
}

std::optional<std::size_t> number(const std::string& text) {
  std::size_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || at != end) return std::nullopt;
  return value;
}

json::value switch_word(const std::optional<virtual_meter::SwitchState>& state) {
  return state ? json::value(virtual_meter::name_of(*state)) : json::value(nullptr);
}

// What people look for in a field; a meter may be in several.
struct State {
  std::string_view word;
  char letter;  // in a picture of the field, of the first that holds
  bool (*holds)(const Seen& meter);
};
bool open_switch(const Seen& meter) {
  return meter.in_service && meter.state && virtual_meter::is_open(*meter.state);
}
constexpr State kStates[] = {
    {"away", '.', [](const Seen& meter) { return !meter.in_service; }},
    {"dark", 'd', [](const Seen& meter) { return meter.in_service && !meter.powered; }},
    {"jammed", 'j', [](const Seen& meter) { return meter.in_service && meter.jammed; }},
    {"armed", 'a', [](const Seen& meter) { return open_switch(meter) && virtual_meter::is_armed(*meter.state); }},
    {"open", 'o', [](const Seen& meter) { return open_switch(meter) && !virtual_meter::is_armed(*meter.state); }},
};
constexpr char kNothingToTell = 'c';

char letter_of(const Seen& meter) {
  const State* found = std::find_if(std::begin(kStates), std::end(kStates),
                                    [&](const State& state) { return state.holds(meter); });
  return found == std::end(kStates) ? kNothingToTell : found->letter;
}

json::object tally(const World& world) {
  std::size_t counts[std::size(kStates)] = {};
  for (std::size_t i = 0; i < world.size(); ++i) {
    const Seen meter = world.seen(static_cast<MeterIndex>(i));
    for (std::size_t of = 0; of < std::size(kStates); ++of) {
      if (kStates[of].holds(meter)) ++counts[of];
    }
  }
  json::object out;
  for (std::size_t of = 0; of < std::size(kStates); ++of) out[kStates[of].word] = counts[of];
  return out;
}

json::object meter_of(World& world, MeterIndex index, UtcInstant now) {
  json::object meter;
  meter["name"] = world.name(index);
  const bool in_service = world.in_service(index, now);
  meter["in_service"] = in_service;
  const MeterPlan& books = world.books(index);
  if (!books.feeder.empty()) meter["feeder"] = books.feeder;
  if (!in_service) return meter;
  meter["powered"] = world.powered(index);
  meter["switch"] = switch_word(world.switch_state(index));
  meter["power_w"] = std::llround(world.power_w(index));
  meter["jammed"] = world.jammed(index);
  return meter;
}

// The network that a query asks for; `problem` says why there is none.
struct Asked {
  const Shown* network = nullptr;
  std::map<std::string, std::string> values{};
  PageAnswer problem{};
};
Asked asked_for(const std::vector<Shown>& shown, std::string_view query,
                std::initializer_list<std::string_view> keys) {
  auto parsed = parse_query(query);
  if (!parsed) return {.problem = page_error(400, parsed.error().message)};
  for (const auto& [key, value] : *parsed) {
    if (std::find(keys.begin(), keys.end(), key) == keys.end())
      return {.problem = page_error(400, "\"" + key + "\" is no key of this")};
  }
  Asked asked{.values = std::move(*parsed)};
  asked.network = network_named(shown, asked.values["network"]);
  if (asked.network == nullptr) asked.problem = page_error(404, "no such network");
  return asked;
}

std::string_view word(Delivered delivery) {
  switch (delivery) {
    case Delivered::Sent:
      return "sent";
    case Delivered::Lost:
      return "lost";
    case Delivered::Unsure:
      break;
  }
  return "unsure";
}

}  // namespace

PageAnswer show_networks(const std::vector<Shown>& shown, SimulatedClock& clock) {
  json::array networks;
  for (const Shown& one : shown) {
    const Status status = one.far_side.status();
    const Courier::Counts counts = one.courier.counts();
    json::object network;
    network["name"] = one.name;
    network["family"] = one.family;
    network["meters"] = one.world.size();
    network["states"] = tally(one.world);
    network["reports"] = status.reports;
    network["last_report"] = status.last_report ? json::value(to_text(*status.last_report)) : json::value(nullptr);
    network["requests"] = status.requests;
    network["under_way"] = status.under_way;
    network["sent"] = counts.sent;
    network["lost"] = counts.lost;
    network["unsure"] = counts.unsure;
    network["waiting"] = counts.waiting;
    network["trouble"] = status.words;
    networks.push_back(std::move(network));
  }
  json::object all;
  all["now"] = to_text(std::chrono::floor<std::chrono::seconds>(clock.now()));
  all["factor"] = clock.factor();
  all["networks"] = std::move(networks);
  return answer(all);
}

PageAnswer show_meters(const std::vector<Shown>& shown, UtcInstant now, std::string_view query) {
  Asked asked = asked_for(shown, query, {"network", "find", "state", "from", "count"});
  if (asked.network == nullptr) return asked.problem;
  auto& values = asked.values;
  const auto from = values["from"].empty() ? 0 : number(values["from"]);
  const auto count = values["count"].empty() ? kUsualMeters : number(values["count"]);
  if (!from || !count || *count == 0 || *count > kMostMeters)
    return page_error(400, "from is a number, count is 1 to 500");
  const std::string& find = values["find"];
  const std::string& wanted = values["state"];
  const State* state = std::find_if(std::begin(kStates), std::end(kStates),
                                    [&](const State& one) { return one.word == wanted; });
  if (!wanted.empty() && state == std::end(kStates))
    return page_error(400, "\"" + wanted + "\" is not among away, dark, jammed, armed, open");
  World& world = asked.network->world;
  json::array meters;
  std::size_t index = *from;
  for (; index < world.size() && meters.size() < *count; ++index) {
    const auto meter = static_cast<MeterIndex>(index);
    if (world.name(meter).find(find) == std::string::npos &&
        world.books(meter).feeder.find(find) == std::string::npos)
      continue;
    if (!wanted.empty() && !state->holds(world.seen(meter))) continue;
    meters.push_back(meter_of(world, meter, now));
  }
  json::object page;
  page["network"] = asked.network->name;
  page["total"] = world.size();
  page["next"] = index < world.size() ? json::value(index) : json::value(nullptr);
  page["meters"] = std::move(meters);
  return answer(page);
}

PageAnswer show_field(const std::vector<Shown>& shown, std::string_view query) {
  const Asked asked = asked_for(shown, query, {"network"});
  if (asked.network == nullptr) return asked.problem;
  const World& world = asked.network->world;
  std::string letters(world.size(), kNothingToTell);
  for (std::size_t i = 0; i < letters.size(); ++i) letters[i] = letter_of(world.seen(static_cast<MeterIndex>(i)));
  json::object field;
  field["network"] = asked.network->name;
  field["meters"] = letters;
  return answer(field);
}

PageAnswer show_lately(const std::vector<Shown>& shown, std::string_view query) {
  const Asked asked = asked_for(shown, query, {"network"});
  if (asked.network == nullptr) return asked.problem;
  json::array sent, done;
  for (const Courier::Told& told : asked.network->courier.lately()) {
    sent.push_back(json::object{{"at", to_text(std::chrono::floor<std::chrono::seconds>(told.at))},
                                {"message", told.message},
                                {"via", told.via},
                                {"delivery", word(told.delivery)},
                                {"copies", told.copies},
                                {"records", told.records}});
  }
  for (const Deed& deed : asked.network->world.lately()) {
    done.push_back(json::object{{"at", to_text(std::chrono::floor<std::chrono::seconds>(deed.at))},
                                {"meter", deed.meter},
                                {"command", deed.command},
                                {"by", deed.by},
                                {"result", deed.result},
                                {"switch", switch_word(deed.state)}});
  }
  json::object lately;
  lately["network"] = asked.network->name;
  lately["sent"] = std::move(sent);
  lately["done"] = std::move(done);
  return answer(lately);
}

}  // namespace ami::fieldsim
