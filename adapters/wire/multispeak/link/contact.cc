#include "adapters/wire/multispeak/link/contact.h"

#include <algorithm>
#include <set>
#include <utility>

#include "adapters/wire/http/retry.h"
#include "adapters/wire/multispeak/link/tasks.h"
#include "adapters/wire/multispeak/link/verdicts.h"

namespace ami::multispeak {
namespace {

using sdk::LogLevel;

constexpr std::size_t kMostMethods = 1'000, kLongestMethod = 128;
constexpr std::size_t kMostPages = 10'000;
constexpr std::chrono::hours kDaily{24};
const http::RetrySettings kPace{.attempts = 1,
                                .base = std::chrono::seconds{2},
                                .cap = std::chrono::minutes{5},
                                .first = std::chrono::seconds{2}};

std::string key_of(Role role) {
  return "methods:" + std::string(name_of(role));
}

// Names that may stand in a log.
std::vector<std::string> fit(const std::vector<std::string>& methods) {
  std::set<std::string> names;
  for (const std::string& method : methods) {
    const bool plain = std::ranges::all_of(method, [](unsigned char c) {
      return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
             c == '.';
    });
    if (plain && !method.empty() && method.size() <= kLongestMethod && names.size() < kMostMethods)
      names.insert(method);
  }
  return {names.begin(), names.end()};
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

// Rejections in the answer to PingURL or GetMethods.
std::string rejected(const Response& response) {
  if (response.content.rejections.empty()) return {};
  const Rejection& first = response.content.rejections.front();
  return "it says: " + as_words(first.error.empty() ? first.text : first.error);
}

}  // namespace

Contact::Contact(Role role, http::ClientSettings url, const LinkConfig& config, sdk::Services services)
    : services_(services),
      version_(config.rules.version),
      names_(config.names),
      align_(config.align && role == Role::Mr),
      head_end_(role, std::move(url), config, services),
      random_(std::random_device{}()) {}

ContactStatus Contact::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

sdk::Awaitable<void> Contact::load() {
  auto loading = services_.state.load(key_of(head_end_.role()));
  const auto recorded = co_await std::move(loading);
  if (!recorded || !*recorded) co_return;
  auto methods = fit(lines_of(**recorded));
  change([&](ContactStatus& status) { status.methods = std::move(methods); });
}

sdk::Awaitable<void> Contact::keep() {
  http::Retry pace(kPace, services_.clock, random_);
  for (int failures = 0;;) {
    // Not all feeds at once, also not the first time.
    auto pause = rest(services_.clock, pace.pause_before(failures));
    const bool goes_on = co_await std::move(pause);
    if (!goes_on) co_return;
    auto looking = look();
    const bool well = co_await std::move(looking);
    failures = well ? 0 : std::min(failures + 1, 1'000);
    if (!well) continue;
    auto day = rest(services_.clock, kDaily);
    const bool passed = co_await std::move(day);
    if (!passed) co_return;
  }
}

sdk::Awaitable<Heard> Contact::question(Operation operation, std::string last_received) {
  Request request;
  request.operation = operation;
  request.last_received = std::move(last_received);
  Manner manner;
  manner.repeatable = true;
  auto asking = head_end_.ask(std::move(request), std::move(manner));
  Heard heard = co_await std::move(asking);
  co_return heard;
}

sdk::Awaitable<bool> Contact::look() {
  if (looking_) co_return status().reached;
  looking_ = true;
  auto pinging = question(Operation::PingUrl, "");
  const Heard ping = co_await std::move(pinging);
  // A head-end without PingURL says so by a fault: then somebody is there.
  if (!ping.response) {
    const bool ending = ping.failure && (ping.failure->kind == http::FailureKind::Cancelled ||
                                         ping.failure->kind == http::FailureKind::Stopped);
    if (!ending) conclude(false, ping.trouble());
    looking_ = false;
    co_return false;
  }
  std::string problem = rejected(*ping.response);
  if (!ping.is_fault()) change([&](ContactStatus& status) { status.answered_in = ping.response->version; });
  auto asking = ask_methods();
  const std::string without_methods = co_await std::move(asking);
  // One of the two has to be answered without a fault.
  if (problem.empty() && ping.is_fault() && !without_methods.empty()) problem = ping.trouble();
  if (problem.empty() && align_ && not_offered(Operation::GetAmrSupportedMeters).empty()) {
    auto aligning = align();
    problem = co_await std::move(aligning);
  }
  conclude(true, problem);
  looking_ = false;
  co_return problem.empty();
}

sdk::Awaitable<std::string> Contact::ask_methods() {
  auto asking = question(Operation::GetMethods, "");
  const Heard heard = co_await std::move(asking);
  std::string problem = heard.trouble();
  if (!problem.empty()) co_return problem;
  auto methods = fit(heard.response->content.methods);
  if (methods.empty()) co_return "GetMethods lists nothing";
  auto recording = record(std::move(methods));
  co_await std::move(recording);
  co_return "";
}

sdk::Awaitable<void> Contact::record(std::vector<std::string> methods) {
  if (methods == status().methods) co_return;
  std::string text;
  for (const std::string& method : methods) text += method + "\n";
  services_.log.write(LogLevel::Info, "HEAD_END_METHODS",
                      "role=" + std::string(name_of(head_end_.role())) +
                          " count=" + std::to_string(methods.size()) +
                          " before=" + std::to_string(status().methods.size()));
  change([&](ContactStatus& status) { status.methods = std::move(methods); });
  std::vector<sdk::StateChange> changes{{key_of(head_end_.role()), text}};
  auto saving = services_.state.save(std::move(changes));
  (void)co_await std::move(saving);  // asked for again tomorrow
}

sdk::Awaitable<std::string> Contact::align() {
  std::uint64_t meters = 0, unknown = 0;
  std::string last;
  std::set<std::string> seen;
  for (std::size_t page = 0; page < kMostPages; ++page) {
    auto asking = question(Operation::GetAmrSupportedMeters, last);
    const Heard heard = co_await std::move(asking);
    if (const std::string trouble = heard.trouble(); !trouble.empty())
      co_return "its list of meters is not to be had: " + trouble;
    const UtcInstant now = services_.clock.now();
    for (const MeterRecord& record : heard.response->content.meters) {
      ++meters;
      unknown += services_.meters.find(names_, record.meter.number, now) ? 0U : 1U;
    }
    const auto next = next_page(heard.response->header.value_or(MessageHeader()), last);
    if (!next) co_return "its list of meters has no end: " + next.error().message;
    if (!*next) {
      change([&](ContactStatus& status) { status.meters = meters, status.unknown_meters = unknown; });
      services_.log.write(LogLevel::Info, "HEAD_END_METERS",
                          "meters=" + std::to_string(meters) + " unknown_here=" + std::to_string(unknown));
      co_return "";
    }
    last = **next;
    if (!seen.insert(last).second) break;
  }
  co_return "its list of meters has no end: a page came twice";
}

void Contact::conclude(bool reached, std::string problem) {
  const ContactStatus before = status();
  problem = as_words(problem);
  const std::string role = "role=" + std::string(name_of(head_end_.role()));
  if (!problem.empty() && problem != before.problem) {
    services_.log.write(LogLevel::Warn, reached ? "HEAD_END_COMPLAINS" : "HEAD_END_AWAY",
                        role + " problem=\"" + problem + "\"");
  } else if (problem.empty() && (!before.looked || !before.problem.empty())) {
    services_.log.write(LogLevel::Info, "HEAD_END_REACHED", role + " peer=" + head_end_.peer());
  }
  change([&](ContactStatus& status) {
    status.reached = reached;
    status.problem = problem;
    if (reached) status.looked = services_.clock.now();
  });
}

std::string Contact::not_offered(Operation operation) const {
  const ContactStatus status = this->status();
  // Nothing listed, nothing said.
  if (status.methods.empty()) return {};
  const bool listed = std::ranges::any_of(status.methods, [&](const std::string& method) {
    const auto dot = method.rfind('.');  // some list them with their service
    return operation_named(dot == std::string::npos ? method : method.substr(dot + 1)) == operation;
  });
  if (listed) return {};
  return "GetMethods of the head-end does not list " + std::string(name_of(operation, version_));
}

}  // namespace ami::multispeak
