#include "tests/adapters/support/family_scene.h"

#include <stdlib.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace ami::testing {
namespace {

namespace fs = std::filesystem;

std::string source_dir() {
  const char* source = std::getenv("AMI_SOURCE_DIR");
  return source == nullptr ? "." : source;
}

fs::path new_folder() {
  std::string name = (fs::temp_directory_path() / "ami-family-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
  return name;
}

}  // namespace

FamilyScene::FamilyScene(std::vector<std::unique_ptr<sdk::AdapterFamily>> families)
    : folder(new_folder()), families_(std::move(families)) {}

FamilyScene::~FamilyScene() {
  fs::remove_all(folder);
}

std::string FamilyScene::config_dir() {
  return source_dir() + "/config";
}

std::string FamilyScene::read(const std::string& path) {
  std::ifstream in(source_dir() + "/" + path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

sdk::LoadedFeed FamilyScene::shipped(const std::string& name, const std::string& more) {
  return shipped_without(name, {}, more);
}

sdk::LoadedFeed FamilyScene::shipped_without(const std::string& name, const std::vector<std::string>& keys,
                                             const std::string& more) {
  std::istringstream lines(read("config/adapters/" + name));
  std::string text, line;
  bool leaving_out = false;
  while (std::getline(lines, line)) {
    if (!line.empty() && line[0] != ' ' && line[0] != '#') {
      const std::string key = line.substr(0, line.find(':'));
      leaving_out = std::find(keys.begin(), keys.end(), key) != keys.end();
      if (key == "folder") line = "folder: in";
    }
    if (!leaving_out) text += line + "\n";
  }
  return feed(text + more);
}

sdk::LoadedFeed FamilyScene::feed(const std::string& yaml) {
  std::ofstream(folder / "feed.yaml") << yaml;
  return sdk::load_feed_file((folder / "feed.yaml").string(), families_);
}

std::string FamilyScene::problems(const sdk::LoadedFeed& feed) const {
  std::string all = sdk::to_text(feed.problems);
  if (!all.empty() || feed.family == nullptr) return all;
  const auto plan = feed.family->plan(feed.settings, config_dir());
  return plan ? "" : plan.error().message;
}

std::string FamilyScene::can(const sdk::LoadedFeed& feed) {
  EXPECT_EQ(sdk::to_text(feed.problems), "");
  if (feed.family == nullptr) return "no family";
  const sdk::Capabilities can = feed.family->capabilities(feed.settings);
  std::string all;
  const std::pair<bool, const char*> each[] = {{can.pushed_messages, "pushed"},
                                               {can.files, "files"},
                                               {can.registers, "registers"},
                                               {can.intervals, "intervals"},
                                               {can.events, "events"},
                                               {can.read_on_demand, "read"},
                                               {can.ping, "ping"},
                                               {can.demand_reset, "reset"},
                                               {can.backfill, "backfill"},
                                               {can.switch_open, "open"},
                                               {can.switch_close, "close"},
                                               {can.switch_arm, "arm"},
                                               {can.switch_state, "state"}};
  for (const auto& [has, name] : each)
    if (has) all += std::string(all.empty() ? "" : " ") + name;
  return all;
}

FamilyScene::Lines FamilyScene::said(const sdk::LoadedFeed& feed, const DecodedBatch& batch,
                                     UtcInstant received) {
  const auto plan = feed.family->plan(feed.settings, config_dir());
  if (!plan) return {plan.error().message};
  NormalisedBatch out;
  normalise(
      batch, plan->rules,
      [&](AliasKind, std::string_view id, UtcInstant) -> std::optional<ResolvedMeter> {
        const auto known = meters.find(std::string(id));
        if (known == meters.end()) return std::nullopt;
        return ResolvedMeter{known->second, form, UtcInstant::min(), UtcInstant::max()};
      },
      received, out);
  Lines lines;
  const auto channel = [&](std::uint32_t at) {
    const ChannelKey& key = out.channels.at(at);
    return std::to_string(key.meter) + " " + key.key + " " + key.reading_type + " " + key.unit;
  };
  for (const RegisterReading& one : out.registers) {
    const ValueQuality& quality = out.qualities.at(one.quality);
    std::string text =
        "reg " + channel(one.channel) + " " + to_text(one.at) + " " + one.value.to_string() + " [";
    for (const QualityCode& code : quality.codes) text += (text.back() == '[' ? "" : " ") + code.to_string();
    text += "]" + (quality.vendor_flag.empty() ? "" : " " + quality.vendor_flag) +
            (one.occurred_at ? " @" + to_text(*one.occurred_at) : "");
    lines.push_back(std::move(text));
  }
  for (const IntervalRun& run : out.intervals) {
    std::string text = "int " + channel(run.channel) + " " + to_text(run.first_start) + " +" +
                       std::to_string(run.length.count());
    for (const auto& mantissa : run.mantissas)
      text += mantissa ? " " + Decimal{*mantissa, run.exponent}.to_string() : " -";
    lines.push_back(std::move(text));
  }
  for (const EventReading& one : out.events) {
    lines.push_back("event " + std::to_string(one.meter) + " " + one.kind + " " + one.code + " " +
                    to_text(one.at) + " \"" + one.raw_code + "\" \"" + one.raw_text + "\"");
  }
  for (const ResultObservation& one : batch.results) {
    lines.push_back("result " + std::string(one.meter) + " " + std::string(one.transaction) + " " +
                    std::string(one.word) + "/" + std::string(one.fault));
  }
  for (const Quarantined& one : out.quarantined) lines.push_back("! " + one.meter + " " + one.reason);
  return lines;
}

FamilyScene::Lines FamilyScene::message(const sdk::LoadedFeed& feed, const std::string& bytes,
                                        const std::string& received) {
  const UtcInstant at = parse_instant(received).value();
  return said(feed, feed.family->decode(feed.settings, bytes, at), at);
}

FamilyScene::Lines FamilyScene::file(const sdk::LoadedFeed& feed, const std::string& bytes,
                                     const std::string& received, std::size_t chunk) {
  const auto reader = feed.family->file_reader(feed.settings);
  Lines error;
  DecodedBatch batch;
  std::uint64_t at = reader->start_at(0);
  for (bool last = false; !last;) {
    auto part = std::make_shared<const std::string>(bytes.substr(at, chunk));
    last = at + part->size() >= bytes.size();
    const auto consumed = reader->read(part, at, last, batch);
    if (!consumed) {
      error.push_back("error " + consumed.error().message);
      break;
    }
    at += *consumed;
  }
  Lines lines = said(feed, batch, parse_instant(received).value());
  lines.insert(lines.end(), error.begin(), error.end());
  return lines;
}

FamilyScene::Lines FamilyScene::dropped(const sdk::LoadedFeed& feed, const std::string& name,
                                        const std::string& bytes) {
  const auto adapter = feed.family->make(feed.settings, host.services());
  if (!host.start(*adapter).ok()) return {"not started"};
  host.run_until_idle();
  std::ofstream(folder / "in" / name, std::ios::binary) << bytes;
  host.run_until_idle();
  Lines lines;
  for (const auto& commit : host.store.committed)
    for (std::string& line : said(feed, commit.batch, commit.source.received_at))
      lines.push_back(std::move(line));
  host.stop(*adapter);
  return lines;
}

void FamilyScene::drive(sdk::Awaitable<void> work) {
  bool done = false;
  std::exception_ptr error;
  boost::asio::co_spawn(host.io, std::move(work), [&](std::exception_ptr thrown) {
    done = true;
    error = thrown;
  });
  const auto bound = std::chrono::steady_clock::now() + std::chrono::seconds{30};
  while (!done) {
    if (std::chrono::steady_clock::now() > bound)
      throw std::runtime_error("what the test waits for did not come");
    host.io.restart();
    host.io.run_one_for(std::chrono::milliseconds{20});
  }
  if (error) std::rethrow_exception(error);
}

sdk::AttemptAnswer FamilyScene::order(const sdk::LoadedFeed& feed, sdk::CommandKind kind) {
  const auto adapter = feed.family->make(feed.settings, host.services());
  sdk::Attempt attempt;
  attempt.transaction = "t-1";
  attempt.kind = kind;
  attempt.meters = {meters.empty() ? "M1" : meters.begin()->first};
  attempt.expires_at = host.clock.now() + std::chrono::minutes{5};
  attempt.before_send = []() -> boost::asio::awaitable<Outcome> {
    ADD_FAILURE() << "something was about to be sent";
    co_return permanent("nothing may be sent");
  };
  std::vector<sdk::AttemptAnswer> answers;
  auto work = [](sdk::Adapter& of, sdk::Attempt what,
                 std::vector<sdk::AttemptAnswer>& into) -> sdk::Awaitable<void> {
    auto starting = of.start();
    const Outcome started = co_await std::move(starting);
    EXPECT_TRUE(started.ok()) << started.error().message;
    auto asking = of.attempt(std::move(what));
    into = co_await std::move(asking);
    auto stopping = of.stop();
    co_await std::move(stopping);
  };
  drive(work(*adapter, std::move(attempt), answers));
  EXPECT_EQ(answers.size(), 1U);
  return answers.empty() ? sdk::AttemptAnswer{} : answers.front();
}

}  // namespace ami::testing
