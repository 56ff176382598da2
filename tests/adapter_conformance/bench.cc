#include "tests/adapter_conformance/bench.h"

#include <stdlib.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

namespace ami::conformance {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kPatience{30};

std::string config_dir() {
  const char* source = std::getenv("AMI_SOURCE_DIR");
  return (source == nullptr ? std::string(".") : std::string(source)) + "/config";
}

fs::path new_folder() {
  std::string name = (fs::temp_directory_path() / "ami-conformance-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
  return name;
}

// Any name is a meter's, but for those that damage makes of one: they are unknown.
MeterId number_of(std::string_view meter) {
  if (meter.size() != 4 || !meter.starts_with("K10")) return 0;
  return meter[3] >= '0' && meter[3] <= '9' ? 1 + (meter[3] - '0') : 0;
}

std::string line_of(MeterId meter, const std::string& type, const std::string& when, const Decimal& value) {
  return "K10" + std::to_string(meter - 1) + " " + type + " " + when + " " + value.normalised().to_string();
}

Decimal canonical(const Interface& interface, const std::string& value) {
  return Decimal::parse(value).value().shifted(interface.power).value();
}

std::string slot(UtcInstant start) {
  return to_text(start) + " +900";
}

}  // namespace

std::set<std::string> meant(const Interface& interface, const std::vector<Reading>& readings) {
  std::set<std::string> lines;
  for (const Reading& one : readings) {
    lines.insert(line_of(number_of(one.meter), interface.register_type, to_text(one.at),
                         canonical(interface, one.value)));
  }
  return lines;
}

std::set<std::string> meant(const Interface& interface, const Block& block) {
  std::set<std::string> lines;
  UtcInstant start = block.first_end - std::chrono::minutes{15};
  for (const std::string& value : block.values) {
    lines.insert(
        line_of(number_of(block.meter), interface.interval_type, slot(start), canonical(interface, value)));
    start += std::chrono::minutes{15};
  }
  return lines;
}

Bench::Bench(const Interface& of, const std::string& more)
    : interface(of), folder(new_folder()), families_(sdk::built_in_families()) {
  if (interface.way) way_ = interface.way(*this);
  std::string yaml = "name: kit\nutility: u\nfamily: " + interface.family + "\ninterface: " + interface.key +
                     "\nzone: " + interface.zone + "\n" + interface.settings + more;
  if (way_) yaml += way_->settings();
  std::ofstream(folder / "feed.yaml") << yaml;
  feed_ = sdk::load_feed_file((folder / "feed.yaml").string(), families_);
  if (!feed_.problems.empty()) throw std::runtime_error(sdk::to_text(feed_.problems));
  Result<sdk::FeedPlan> plan = feed_.family->plan(feed_.settings, config_dir());
  if (!plan) throw std::runtime_error(plan.error().message);
  rules_ = std::move(plan->rules);
}

Bench::~Bench() {
  if (adapter_) stop();
  way_.reset();
  fs::remove_all(folder);
}

void Bench::start() {
  // The host's, but for the clock.
  sdk::Services services{host.io.get_executor(), clock,    host.store,   host.store, host.meters,
                         host.offload,           host.log, &host.journal};
  adapter_ = feed_.family->make(feed_.settings, services);
  std::optional<Outcome> outcome;
  auto work = [](sdk::Adapter& started, std::optional<Outcome>& into) -> sdk::Awaitable<void> {
    auto starting = started.start();
    into.emplace(co_await std::move(starting));
  };
  run(work(*adapter_, outcome));
  if (!*outcome) throw std::runtime_error(outcome->error().message);
  host.run_until_idle();
}

void Bench::stop() {
  if (!adapter_) return;
  run(adapter_->stop());
  adapter_.reset();
}

void Bench::run(sdk::Awaitable<void> work) {
  struct Ending {
    bool complete = false;
    std::exception_ptr error;
  };
  const auto ending = std::make_shared<Ending>();
  boost::asio::co_spawn(host.io, std::move(work), [ending](std::exception_ptr thrown) {
    *ending = {true, thrown};
  });
  if (!until([&] { return ending->complete; }))
    throw std::runtime_error("what the kit waits for did not come");
  if (ending->error) std::rethrow_exception(ending->error);
}

bool Bench::until(const std::function<bool()>& so) {
  const auto bound = std::chrono::steady_clock::now() + kPatience;
  host.run_until_idle();
  while (!so()) {
    if (std::chrono::steady_clock::now() > bound) return false;
    host.io.restart();
    host.io.run_one_for(std::chrono::milliseconds{20});
  }
  return true;
}

void Bench::add(const DecodedBatch& batch, UtcInstant received, Said& into) const {
  NormalisedBatch out;
  normalise(
      batch, rules_,
      [](AliasKind, std::string_view id, UtcInstant) -> std::optional<ResolvedMeter> {
        const MeterId meter = number_of(id);
        if (meter == 0) return std::nullopt;
        return ResolvedMeter{meter, "", UtcInstant::min(), UtcInstant::max()};
      },
      received, out);
  for (const RegisterReading& one : out.registers) {
    const ChannelKey& channel = out.channels.at(one.channel);
    into.values.insert(line_of(channel.meter, channel.reading_type, to_text(one.at), one.value));
  }
  for (const IntervalRun& series : out.intervals) {
    const ChannelKey& channel = out.channels.at(series.channel);
    UtcInstant start = series.first_start;
    for (const auto& mantissa : series.mantissas) {
      const std::string when =
          series.length == std::chrono::minutes{15} ? slot(start) : to_text(start) + " of another length";
      if (mantissa)
        into.values.insert(line_of(channel.meter, channel.reading_type, when, {*mantissa, series.exponent}));
      start += series.length;
    }
  }
  for (const ResultObservation& one : batch.results)
    into.results.insert(std::string(one.meter) + " " + std::string(one.transaction));
  for (const Quarantined& one : out.quarantined) into.complaints.push_back(one.reason);
  for (std::uint64_t i = 0; i < batch.skipped; ++i) into.complaints.emplace_back("skipped");
}

Said Bench::stored() {
  EXPECT_TRUE(host.drain(*feed_.family, feed_.settings).ok());
  Said said;
  for (const auto& commit : host.store.committed) add(commit.batch, commit.source.received_at, said);
  return said;
}

DecodedBatch Bench::decode(const std::string& input, std::vector<std::string>* complaints) const {
  const auto reader = feed_.family->file_reader(feed_.settings);
  if (!reader) return feed_.family->decode(feed_.settings, input, clock_now());
  DecodedBatch batch;
  const std::uint64_t begin = reader->start_at(0);
  const auto end = reader->read(std::make_shared<const std::string>(input), begin, true, batch);
  if (!end && complaints != nullptr) complaints->push_back(end.error().message);
  return batch;
}

UtcInstant Bench::clock_now() const {
  return UtcInstant{std::chrono::sys_days{std::chrono::year{2026} / 1 / 15}};
}

Said Bench::read(const std::string& input) const {
  Said said;
  const DecodedBatch batch = decode(input, &said.complaints);
  add(batch, clock_now(), said);
  return said;
}

std::vector<std::pair<std::set<std::string>, Said>> Bench::read_again(const std::string& input) const {
  std::vector<std::pair<std::set<std::string>, Said>> all;
  DecodedBatch batch = decode(input);
  for (Observation& one : batch.observations) {
    const std::string raw = std::visit([](const auto& head) { return std::string(head.raw); }, one);
    DecodedBatch alone;
    alone.observations.push_back(std::move(one));
    Said before, after;
    add(alone, clock_now(), before);
    add(feed_.family->decode(feed_.settings, raw, clock_now()), clock_now(), after);
    all.emplace_back(before.distinct(), std::move(after));
  }
  return all;
}

std::uint16_t Bench::logged_port(std::string_view message_id, std::string_view key) const {
  const auto entry = std::find_if(host.log.entries.rbegin(), host.log.entries.rend(),
                                  [&](const auto& one) { return one.id == message_id; });
  if (entry == host.log.entries.rend())
    throw std::runtime_error("nothing was logged as " + std::string(message_id));
  const std::size_t at = entry->text.find(std::string(key) + "=");
  return static_cast<std::uint16_t>(std::stoi(entry->text.substr(at + key.size() + 1)));
}

}  // namespace ami::conformance
