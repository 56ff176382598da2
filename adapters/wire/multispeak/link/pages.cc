#include "adapters/wire/multispeak/link/pages.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <utility>

#include "adapters/wire/multispeak/link/verdicts.h"

namespace ami::multispeak {
namespace {

constexpr std::size_t kMostPages = 1'000'000;

Result<std::size_t> copy_of(const std::string& content, char* into, std::size_t size, std::uint64_t offset) {
  if (offset >= content.size()) return std::size_t{0};
  const std::size_t count = std::min(size, content.size() - static_cast<std::size_t>(offset));
  std::memcpy(into, content.data() + offset, count);
  return count;
}

// Why a page that can be read is not what was asked for; empty = it is.
std::string complaint_in(const Response& response) {
  if (!response.content.rejections.empty()) {
    const Rejection& first = response.content.rejections.front();
    const std::string& words = first.error.empty() ? first.text : first.error;
    return "it rejects what was asked for: " + as_words(words.empty() ? "without words" : words);
  }
  const DecodedBatch& batch = response.reports.batch;
  if (!batch.observations.empty()) return {};
  const auto failed = std::ranges::find_if(
      batch.results, [](const ResultObservation& result) { return !result.fault.empty(); });
  if (failed == batch.results.end()) return {};
  return "it has no reading but failures: " + as_words(failed->fault);
}

}  // namespace

sdk::Awaitable<Outcome> store_heard(sdk::Services services, Tally& tally, Heard heard, std::string name,
                                    std::vector<sdk::StateChange> state) {
  DecodedBatch batch = std::move(heard.response->reports.batch);
  if (batch.observations.empty() && batch.results.empty() && batch.malformed.empty()) {
    if (state.empty()) co_return Done{};
    auto saving = services.state.save(std::move(state));
    const Outcome saved = co_await std::move(saving);
    co_return saved;
  }
  const std::size_t size = heard.kept->size();
  if (services.raw != nullptr) {
    sdk::RawContent content;
    content.name = name;
    content.sha256 = heard.sha256;
    content.size = size;
    content.received_at = heard.received_at;
    content.read = [kept = heard.kept](char* into, std::size_t count, std::uint64_t offset) {
      return copy_of(*kept, into, count, offset);
    };
    auto keeping = services.raw->keep(std::move(content));
    const Outcome kept = co_await std::move(keeping);
    if (!kept) co_return kept.error();
  }
  sdk::SourceSpan source;
  source.name = std::move(name);
  source.content_sha256 = heard.sha256;
  source.length = size;
  source.received_at = heard.received_at;
  const std::uint64_t records = batch.observations.size(), malformed = batch.malformed.size();
  auto committing = services.sink.commit(std::move(source), std::move(batch), std::move(state));
  const auto committed = co_await std::move(committing);
  if (!committed) co_return committed.error();
  tally.records += records;
  tally.malformed += malformed;
  ++tally.pages;
  co_return Done{};
}

sdk::Awaitable<PagesEnd> fetch_pages(HeadEnd& head_end, sdk::Services services, Tally& tally, Request request,
                                     Position position, std::function<sdk::Awaitable<Outcome>()> before_send,
                                     std::optional<UtcInstant> expires_at) {
  PagesEnd end;
  std::set<std::string> seen{request.last_received};
  const std::string name =
      std::string(name_of(request.operation, Version::V30)) + "/" +
      (request.start.empty() ? request.billing_cycle + "/" + request.billing_date : request.start);
  while (end.pages < kMostPages) {
    if (expires_at && services.clock.now() >= *expires_at) {
      end.expired = true;
      end.problem = "the time was over after " + std::to_string(end.pages) + " pages";
      co_return end;
    }
    Manner manner;
    // A question that was marked as asked may be put again on a new connection: the answer is the same.
    manner.repeatable = true;
    manner.keep = true;
    if (end.pages == 0) manner.before_send = before_send;
    Request page = request;
    auto asking = head_end.ask(std::move(page), std::move(manner));
    Heard heard = co_await std::move(asking);
    end.problem = heard.trouble();
    if (!end.problem.empty()) {
      if (end.pages == 0) end.first.emplace(std::move(heard));
      co_return end;
    }
    const auto next = next_page(heard.response->header.value_or(MessageHeader()), request.last_received);
    // A page whose successor is not to be had is stored all the same: its place is that of the page itself.
    const bool loops = next && *next && !seen.insert(**next).second;
    if (!next) end.problem = next.error().message;
    if (loops)
      end.problem = "the page behind " + as_words(**next) + " was here before: the pages have no end";
    end.endless = !end.problem.empty();
    const std::string complaint = complaint_in(*heard.response);
    std::vector<sdk::StateChange> state;
    if (!end.endless && complaint.empty() && position) state = position(*next);
    auto storing = store_heard(services, tally, std::move(heard), name + "/" + std::to_string(end.pages + 1),
                               std::move(state));
    const Outcome stored = co_await std::move(storing);
    if (!stored) {
      end.endless = false;
      end.unstored = true;
      end.problem = stored.error().message;
      co_return end;
    }
    if (!complaint.empty()) {
      end.endless = false;
      end.problem = complaint;
      co_return end;
    }
    ++end.pages;
    if (end.endless) co_return end;
    if (!*next) {
      end.complete = true;
      co_return end;
    }
    request.last_received = **next;
  }
  end.endless = true;
  end.problem = "more than " + std::to_string(kMostPages) + " pages: the head-end does not come to an end";
  co_return end;
}

}  // namespace ami::multispeak
