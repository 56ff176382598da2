#include "adapters/wire/drop_folder/file_intake.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <exception>
#include <utility>

namespace ami::wire {

namespace asio = boost::asio;
using Kind = IntakeResult::Kind;

namespace {

// Below every number of a reprocess run; the same for the same settings, whenever and wherever they are read.
std::int64_t number_of(std::string_view settings_mark) {
  std::uint64_t hash = 14695981039346656037U;  // FNV-1a
  for (const char c : settings_mark) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  constexpr std::uint64_t kOffset = std::uint64_t{1} << 62;
  return -static_cast<std::int64_t>(kOffset + hash % kOffset);
}

}  // namespace

FileIntake::FileIntake(const DropFolderConfig& config, sdk::Services services,
                       DropFolder::MakeReader make_reader)
    : config_(config),
      services_(services),
      make_reader_(std::move(make_reader)),
      log_(services.state, config.keep_state),
      committed_(services.executor) {}

void FileIntake::stop() {
  stopping_ = true;
  cancel_commit_.emit(asio::cancellation_type::terminal);
}

// Work that runs off the strand holds shared ownership of all it touches: it may outlast a cancelled wait.
sdk::Awaitable<Result<OpenedFile>> FileIntake::open(std::shared_ptr<const Inbox> inbox, std::string name) {
  auto opened = std::make_shared<std::optional<Result<OpenedFile>>>();
  std::function<void()> work = [inbox = std::move(inbox), name = std::move(name), opened] {
    opened->emplace(inbox->open(name));
  };
  co_await services_.offload.run(std::move(work));
  co_return std::move(opened->value());
}

sdk::Awaitable<std::shared_ptr<Stretch>> FileIntake::read_next(std::shared_ptr<FileRun> run) {
  auto stretch = std::make_shared<Stretch>();
  std::function<void()> work = [run = std::move(run), stretch, config = config_] {
    *stretch = run->next(config);
  };
  co_await services_.offload.run(std::move(work));
  co_return stretch;
}

sdk::Awaitable<IntakeResult> FileIntake::take(std::shared_ptr<const Inbox> inbox, std::string name) {
  IntakeResult result;
  Result<OpenedFile> opened = co_await open(std::move(inbox), name);
  if (!opened) {
    result.kind = opened.error().fault == Fault::Permanent ? Kind::Rejected : Kind::Later;
    result.reason = opened.error().message;
    co_return result;
  }
  result.stamp = opened->stamp;
  result.sha256 = opened->sha256;
  if (opened->stamp.size == 0) {
    result.kind = Kind::Rejected;
    result.reason = "is empty";
    co_return result;
  }
  const auto file = std::make_shared<OpenedFile>(std::move(opened.value()));
  if (const Outcome kept = co_await keep(file, printable_name(name)); !kept) {
    result.reason = kept.error().message;
    co_return result;
  }
  const std::string key = FileState::key(result.sha256);
  const Result<std::optional<std::string>> known = co_await services_.state.load(key);
  if (!known) {
    result.reason = "its position cannot be looked up: " + known.error().message;
    co_return result;
  }
  std::uint64_t committed = 0;
  std::int64_t read_again = 0;
  if (*known) {
    const std::optional<FileState> state = FileState::parse(**known);
    if (state && state->with != services_.settings_mark) {
      // What the file says may be another thing now.
      read_again = number_of(services_.settings_mark);
      services_.log.write(sdk::LogLevel::Info, "DROP_FILE_READ_AGAIN",
                          "file=\"" + printable_name(name) + "\" sha256=" + result.sha256 +
                              " reason=\"the feed's settings changed since it was stored\"");
    } else if (!state || state->offset > file->stamp.size) {
      services_.log.write(sdk::LogLevel::Warn, "DROP_STATE_UNREADABLE",
                          "key=" + key + " action=read_from_start");
    } else if (state->done) {
      result.kind = Kind::Duplicate;
      co_return result;
    } else {
      committed = state->offset;
      read_again = state->again;
    }
  }
  auto run = std::make_shared<FileRun>(std::move(*file), make_reader_(), committed);
  services_.log.write(sdk::LogLevel::Info, "DROP_FILE_BEGIN",
                      "file=\"" + printable_name(name) + "\" sha256=" + result.sha256 +
                          " bytes=" + std::to_string(run->size()) + " from=" + std::to_string(committed));
  co_await store(std::move(run), printable_name(name), read_again, result);
  co_return result;
}

sdk::Awaitable<Outcome> FileIntake::keep(std::shared_ptr<OpenedFile> file, std::string name) {
  if (services_.raw == nullptr) co_return Done{};
  sdk::RawContent content{std::move(name), file->sha256, file->stamp.size, services_.clock.now(), {}};
  content.read = [file](char* into, std::size_t size, std::uint64_t offset) {
    return read_at(file->fd.get(), into, size, offset);
  };
  co_return co_await services_.raw->keep(std::move(content));
}

sdk::Awaitable<void> FileIntake::store(std::shared_ptr<FileRun> run, std::string name,
                                       std::int64_t read_again, IntakeResult& result) {
  const UtcInstant received_at = services_.clock.now();
  std::uint64_t understood = 0;  // records of any kind that were no nonsense
  std::string first_fault;
  std::shared_ptr<Stretch> stretch = co_await read_next(run);
  const bool from_start = stretch->begin == 0;
  for (;;) {
    if (stretch->failed) {
      result.reason = stretch->failed->message;
      co_return;
    }
    if (stopping_) co_return;
    const std::size_t records = stretch->batch.observations.size();
    const std::size_t malformed = stretch->batch.malformed.size();
    understood += records + stretch->batch.skipped;
    if (first_fault.empty() && malformed > 0) {
      const MalformedRecord& first = stretch->batch.malformed.front();
      first_fault =
          std::string(first.reason) + " at byte " + std::to_string(first.offset) + ": " + first.detail;
    }
    std::uint64_t resume_at = stretch->end;
    if (stretch->broken) {
      result.reason = "cannot be read to its end: " + *stretch->broken + "\nRecords up to byte " +
                      std::to_string(stretch->end) + " of " + std::to_string(run->size()) + " are stored";
    } else if (stretch->last && from_start && understood == 0 && !first_fault.empty()) {
      // Another kind of file, or other settings than it needs: it is not done, all of it may be read again.
      result.reason = "not one record in it can be read; the first fault is " + first_fault;
      stretch->last = false;
      stretch->broken = result.reason;
      resume_at = 0;
    }
    FileState position;
    position.offset = resume_at;
    position.done = stretch->last;
    position.again = read_again;
    position.on = std::chrono::floor<std::chrono::days>(services_.clock.now());
    position.with = services_.settings_mark;
    Result<std::vector<sdk::StateChange>> changes =
        co_await state_after(run->sha256(), position.to_text(), stretch->last || stretch->broken);
    if (!changes) {
      result.reason = "its position cannot be noted: " + changes.error().message;
      co_return;
    }
    sdk::SourceSpan source{name,        run->sha256(), stretch->begin, stretch->end - stretch->begin,
                           received_at, read_again};
    const std::shared_ptr<Commit> commit =
        begin_commit(std::move(source), std::move(stretch->batch), std::move(changes.value()));
    const bool ends = stretch->last || stretch->broken;
    std::shared_ptr<Stretch> following;
    std::exception_ptr unread;
    if (!ends) {
      try {
        following = co_await read_next(run);
      } catch (...) {
        unread = std::current_exception();  // the commit under way must end first: never two at once
      }
    }
    while (!commit->result) co_await committed_.wait();
    const Result<sdk::CommitReceipt>& receipt = *commit->result;
    if (!receipt) {
      result.reason.clear();
      const bool never = receipt.error().fault == Fault::Permanent;
      result.kind = never ? Kind::Rejected : Kind::Later;
      if (!stopping_ || never) result.reason = "cannot be stored: " + receipt.error().message;
      co_return;
    }
    result.records += records;
    result.malformed += malformed;
    if (unread) std::rethrow_exception(unread);
    if (ends) {
      log_.saved();
      result.kind = stretch->broken ? Kind::Rejected : Kind::Done;
      co_return;
    }
    stretch = std::move(following);
  }
}

sdk::Awaitable<Result<std::vector<sdk::StateChange>>> FileIntake::state_after(std::string sha256,
                                                                              std::string position,
                                                                              bool finished) {
  std::vector<sdk::StateChange> changes;
  if (finished) {
    const auto today = std::chrono::floor<std::chrono::days>(services_.clock.now());
    Result<std::vector<sdk::StateChange>> logged = co_await log_.finish(sha256, today);
    if (!logged) co_return logged.error();
    changes = std::move(logged.value());
  }
  changes.push_back({FileState::key(sha256), std::move(position)});
  co_return changes;
}

std::shared_ptr<FileIntake::Commit> FileIntake::begin_commit(sdk::SourceSpan source, DecodedBatch batch,
                                                             std::vector<sdk::StateChange> changes) {
  auto commit = std::make_shared<Commit>();
  auto body = [](FileIntake& self, std::shared_ptr<Commit> into, sdk::SourceSpan span, DecodedBatch decoded,
                 std::vector<sdk::StateChange> state) -> sdk::Awaitable<void> {
    try {
      Result<sdk::CommitReceipt> receipt =
          co_await self.services_.sink.commit(std::move(span), std::move(decoded), std::move(state));
      into->result.emplace(std::move(receipt));
    } catch (const std::exception& error) {
      into->result.emplace(transient(error.what()));
    }
    self.committed_.notify();
  };
  // take() awaits the result before it returns, so `self` outlives the commit.
  asio::co_spawn(services_.executor,
                 body(*this, commit, std::move(source), std::move(batch), std::move(changes)),
                 asio::bind_cancellation_slot(cancel_commit_.slot(), asio::detached));
  return commit;
}

}  // namespace ami::wire
