#include "adapters/wire/cim/link/link_adapter.h"

#include <openssl/evp.h>

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "adapters/wire/cim/link/incoming.h"

namespace ami::cim {
namespace {

namespace asio = boost::asio;
using sdk::AttemptAnswer;
using sdk::AttemptState;
using sdk::CommandKind;

using Answers = std::vector<AttemptAnswer>;

std::string sha256_hex(const std::string& text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  EVP_Digest(text.data(), text.size(), digest, &length, EVP_sha256(), nullptr);
  std::string hex;
  for (unsigned i = 0; i < length; ++i) {
    constexpr char kDigits[] = "0123456789abcdef";
    hex += {kDigits[digest[i] >> 4], kDigits[digest[i] & 15]};
  }
  return hex;
}

const char* edition_words(Edition edition) {
  return edition == Edition::Second  ? "IEC 61968-9 second edition (2011)"
         : edition == Edition::First ? "IEC 61968-9 first edition (2009)"
                                     : "Command Center (first edition, Landis+Gyr namespace)";
}

}  // namespace

LinkAdapter::LinkAdapter(sdk::AdapterInfo info, Profile profile, Result<LinkConfig> config,
                         sdk::Services services)
    : info_(std::move(info)),
      profile_(std::move(profile)),
      config_(std::move(config)),
      services_(std::move(services)),
      ended_(services_.executor) {}

std::vector<std::uint16_t> LinkAdapter::ports() const {
  const std::lock_guard lock(mutex_);
  return server_ ? server_->ports() : std::vector<std::uint16_t>();
}

sdk::Awaitable<Outcome> LinkAdapter::start() {
  if (!config_) co_return config_.error();
  stopping_ = false;
  std::shared_ptr<http::Client> client;
  std::shared_ptr<ReplyServer> server;
  if (config_->callback) {
    if (services_.journal == nullptr)
      co_return permanent("callback: the gateway has no journal, so nothing that is posted could be kept");
    server = std::make_shared<ReplyServer>(*config_->callback, services_);
    const Outcome listening = co_await server->start();
    if (!listening) co_return listening.error();
  }
  if (config_->head_end) client = std::make_shared<http::Client>(*config_->head_end, services_);
  services_.log.write(
      sdk::LogLevel::Info, "CIM_LINK_STARTED",
      "head_end=" + (config_->head_end ? config_->head_end->url.peer() : std::string("none")) +
          " callback=" + (server ? std::to_string(server->ports().front()) : "none"));
  const std::lock_guard lock(mutex_);
  client_ = std::move(client);
  server_ = std::move(server);
  state_ = sdk::HealthState::Healthy;
  co_return Done{};
}

sdk::Awaitable<void> LinkAdapter::stop() {
  stopping_ = true;
  if (client_) co_await client_->stop();
  const std::set<asio::cancellation_signal*> committing = committing_;
  for (asio::cancellation_signal* signal : committing) {
    if (committing_.contains(signal)) signal->emit(asio::cancellation_type::terminal);
  }
  while (under_way_ > 0) co_await ended_.wait();
  if (server_) co_await server_->stop();
  const std::lock_guard lock(mutex_);
  state_ = sdk::HealthState::Stopped;
}

bool LinkAdapter::states(CommandKind kind) const {
  const sdk::Capabilities& can = config_->can;
  switch (kind) {
    case CommandKind::Read:
      return can.read_on_demand;
    case CommandKind::Ping:
      return can.ping;
    case CommandKind::Backfill:
      return can.backfill;
    case CommandKind::SwitchOpen:
      return can.switch_open;
    case CommandKind::SwitchClose:
      return can.switch_close;
    case CommandKind::SwitchArm:
      return can.switch_arm;
    case CommandKind::DemandReset:
    case CommandKind::SwitchState:
      return false;
  }
  return false;
}

sdk::Awaitable<Answers> LinkAdapter::attempt(sdk::Attempt attempt) {
  if (!config_ || !states(attempt.kind)) {
    std::string words = "this feed states no " + std::string(name_of(attempt.kind));
    if (moves_switch(attempt.kind) && !profile_.silence.empty()) words += ": " + profile_.silence;
    co_return alike(attempt, AttemptState::Failed, "not_stated", std::move(words));
  }
  if (!client_ || stopping_)
    co_return alike(attempt, AttemptState::Failed, "not_sent", "the feed is stopping");
  // Also an exception lets the feed stop.
  struct UnderWay {
    explicit UnderWay(LinkAdapter& adapter) : of(adapter) { ++of.under_way_; }
    UnderWay(const UnderWay&) = delete;
    UnderWay& operator=(const UnderWay&) = delete;
    ~UnderWay() {
      --of.under_way_;
      of.ended_.notify();
    }
    LinkAdapter& of;
  } const under_way(*this);
  Answers answers = co_await ask(attempt);
  co_return answers;
}

sdk::Awaitable<Answers> LinkAdapter::ask(const sdk::Attempt& attempt) {
  const UtcInstant now = services_.clock.now();
  if (attempt.expires_at <= now)
    co_return alike(attempt, AttemptState::Failed, "expired", "it expired before it could leave");
  const Result<Message> request = request_of(attempt, now, config_->requests);
  if (!request) co_return alike(attempt, AttemptState::Failed, "not_stated", request.error().message);
  http::Call call = call_of(*request, attempt, config_->requests);
  call.target = moves_switch(attempt.kind) ? config_->control_path : config_->read_path;
  call.deadline = std::min(config_->head_end->limits.request_time,
                           std::chrono::ceil<std::chrono::milliseconds>(attempt.expires_at - now));
  http::Answer answer = co_await client_->send(std::move(call));
  Answers answers;
  // A refusal may come with a status that is no success: what it says counts more than that number.
  const bool says = answer.reply && !answer.reply->body.empty() &&
                    (answer.ok() || answer.failure->kind == http::FailureKind::ServerError ||
                     answer.failure->kind == http::FailureKind::Refused);
  if (says) {
    answers = co_await heed(attempt, std::move(answer.reply->body), std::move(answer.failure));
  } else if (answer.ok()) {
    answers = alike(attempt, AttemptState::Waiting, {}, "taken, without a reply");
  } else {
    answers = answers_to(attempt, *answer.failure);
  }
  note(answers);
  co_return answers;
}

sdk::Awaitable<Answers> LinkAdapter::heed(const sdk::Attempt& attempt, std::string body,
                                          std::optional<http::Failure> failure) {
  // What is stored is stored as it may be kept, so that it reads the same when it is read again.
  struct Read {
    Result<Opened> opened = transient("not read");
    Result<Decoded> decoded = transient("not read");
  };
  const auto read = std::make_shared<Read>();
  const auto text = std::make_shared<const std::string>(std::move(body));
  std::function<void()> work = [this, read, text, asked = attempt.transaction] {
    read->opened = open_message(*text, config_->options.limits);
    if (read->opened)
      read->decoded = read_incoming(read->opened->kept, config_->options, config_->rules, asked);
  };
  co_await services_.offload.run(std::move(work));
  if (!read->opened && failure) co_return answers_to(attempt, *failure);  // a page for people
  if (!read->opened || !read->decoded) {
    const Error& error = read->opened ? read->decoded.error() : read->opened.error();
    co_return alike(attempt, AttemptState::Unknown, "unreadable_answer", error.message);
  }
  Decoded& decoded = read->decoded.value();
  const std::string& answered = decoded.message.header.correlation_id;
  const bool ours = answered.empty() || answered == attempt.transaction;
  Answers answers = ours ? answers_to(attempt, decoded.batch.results, config_->rules)
                         : alike(attempt, AttemptState::Unknown, "unreadable_answer",
                                 "the answer is to another request, by its CorrelationID");
  if (ours) decoded.batch.results.clear();  // they are in `answers`
  const std::uint64_t records = decoded.batch.observations.size(), malformed = decoded.batch.malformed.size();
  {
    const std::lock_guard lock(mutex_);
    never_set_ += decoded.never_set;
  }
  if (records + malformed == 0) co_return answers;
  std::string name = "answer/" + attempt.transaction;
  const Outcome stored =
      co_await store(std::move(name), std::move(read->opened->kept), std::move(decoded.batch));
  if (!stored) {
    // The meter answered, and what it said is lost: as good as no answer.
    for (AttemptAnswer& one : answers) {
      if (one.state != AttemptState::Succeeded) continue;
      one = {};
      one.reason = "no_answer";
      one.words = "readings came and could not be stored: " + stored.error().message;
    }
    co_return answers;
  }
  const std::lock_guard lock(mutex_);
  records_ += records;
  malformed_ += malformed;
  co_return answers;
}

sdk::Awaitable<Outcome> LinkAdapter::store(std::string name, std::string content, DecodedBatch batch) {
  const auto kept = std::make_shared<const std::string>(std::move(content));
  sdk::SourceSpan source;
  source.name = name;
  source.content_sha256 = sha256_hex(*kept);
  source.length = kept->size();
  source.received_at = services_.clock.now();
  if (services_.raw != nullptr) {
    sdk::RawContent raw{name, source.content_sha256, kept->size(), source.received_at, {}};
    raw.read = [kept](char* into, std::size_t size, std::uint64_t offset) -> Result<std::size_t> {
      const auto from = std::min<std::uint64_t>(offset, kept->size());
      return kept->copy(into, size, from);
    };
    const Outcome safe = co_await services_.raw->keep(std::move(raw));
    if (!safe) co_return safe.error();
  }
  asio::cancellation_signal cancel;
  committing_.insert(&cancel);
  if (stopping_) {
    committing_.erase(&cancel);
    co_return transient("the feed is stopping");
  }
  Result<sdk::CommitReceipt> receipt = transient("not stored");
  auto commit = [](LinkAdapter& self, sdk::SourceSpan& from, DecodedBatch& what,
                   Result<sdk::CommitReceipt>& into) -> sdk::Awaitable<void> {
    into = co_await self.services_.sink.commit(std::move(from), std::move(what), {});
  };
  auto work = commit(*this, source, batch, receipt);
  co_await asio::co_spawn(services_.executor, std::move(work),
                          asio::bind_cancellation_slot(cancel.slot(), asio::use_awaitable));
  committing_.erase(&cancel);
  if (!receipt) co_return receipt.error();
  co_return Done{};
}

void LinkAdapter::note(const Answers& answers) {
  const auto through = [](const AttemptAnswer& one) {
    return one.state == AttemptState::Waiting || one.state == AttemptState::Succeeded ||
           (one.state == AttemptState::Failed && one.reason != "not_sent" && one.reason != "unreachable");
  };
  const std::lock_guard lock(mutex_);
  if (std::any_of(answers.begin(), answers.end(), through)) {
    last_success_ = services_.clock.now();
    trouble_.clear();
  } else if (!answers.empty() && answers.front().reason != "not_sent") {
    trouble_ = answers.front().words;
  }
}

sdk::Health LinkAdapter::health() const {
  sdk::Health health;
  std::uint64_t never_set = 0;
  std::shared_ptr<http::Client> client;
  std::shared_ptr<ReplyServer> server;
  {
    const std::lock_guard lock(mutex_);
    health.state = state_;
    health.last_success = last_success_;
    health.records = records_;
    health.malformed = malformed_;
    health.reason = state_ == sdk::HealthState::Healthy ? trouble_ : std::string();
    never_set = never_set_;
    client = client_;
    server = server_;
  }
  if (!config_) {
    health.state = sdk::HealthState::Failed;
    health.reason = config_.error().message;
    return health;
  }
  if (!health.reason.empty()) health.state = sdk::HealthState::Degraded;
  const auto fact = [&](const char* name, std::string words) {
    health.facts.emplace_back(name, std::move(words));
  };
  if (config_->head_end) {
    fact("head-end", config_->head_end->url.peer() + ", " + edition_words(config_->requests.edition));
    if (client) {
      const http::BreakerMetrics breaker = client->metrics().breaker;
      fact("breaker", std::string(name_of(breaker.state)));
      if (breaker.state != http::BreakerState::Closed && health.state == sdk::HealthState::Healthy) {
        health.state = sdk::HealthState::Degraded;
        health.reason = "the head-end does not answer";
      }
    }
  }
  if (server) {
    const ReplyServerCounters counters = server->counters();
    if (counters.last_taken)
      health.last_success =
          std::max(health.last_success.value_or(*counters.last_taken), *counters.last_taken);
    fact("messages taken", std::to_string(counters.taken));
    fact("messages refused", std::to_string(counters.unauthenticated) + " by their credentials, " +
                                 std::to_string(counters.unreadable) + " unreadable, " +
                                 std::to_string(counters.not_ours + counters.too_large) + " of no use");
    if (counters.pushed_back > 0) fact("pushed back", std::to_string(counters.pushed_back));
  }
  if (never_set > 0)
    fact("registers never set", std::to_string(never_set) + " in answers on our own connection");
  if (!profile_.assumed.empty()) fact("assumed", profile_.assumed);
  return health;
}

}  // namespace ami::cim
