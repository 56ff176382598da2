// One admitted call, and the gate that admits it: identity, role, bound on calls under way, worker threads.
//
// A gRPC thread only parses, checks and posts; the work runs on the executor. Inside this folder a call is
// ended early by throwing StatusError; the gate turns it into the answer. Nothing is thrown into gRPC.
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/rpc/access.h"
#include "daemon/rpc/names.h"
#include "daemon/rpc/page_tokens.h"
#include "daemon/rpc/records.h"
#include "daemon/rpc/status.h"
#include "storage/postgres/access_log.h"
#include "storage/postgres/assets.h"
#include "storage/postgres/readers.h"

namespace ami::rpc {

struct Switching;  // daemon/rpc/switching.h

struct StatusError {
  grpc::Status status;
};

// What all services share. Lives as long as the server.
struct Backend {
  storage::Database& database;
  storage::Database& reader;  // for what callers ask; use it through Call::scoped() only
  AdapterStatus adapter_status;
  Replay replay;
  CallLog log;
  Now now;
  Executor executor;
  PageTokens tokens;
  KeptContents kept{};
  RegimesNow regimes{};
  RulesNow rules{};
  Commands commands{};
  const Switching* switching = nullptr;  // null: no switch is operated

  std::mutex mutex{};                                   // guards what follows
  std::map<std::string, storage::Utility> utilities{};  // that were found, by key
};

// A page as the caller asked for it.
struct Page {
  storage::PageRequest store;
  std::string request;  // what the token is bound to
};

class Gate;

// Safe to use from one thread at a time. Its end frees the call's place.
class Call {
 public:
  Call(Gate& gate, Backend& backend, Caller caller, std::string_view method);
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  [[nodiscard]] Backend& backend() const { return backend_; }
  [[nodiscard]] const Caller& caller() const { return caller_; }
  [[nodiscard]] UtcInstant now() const { return backend_.now(); }
  [[nodiscard]] storage::Assets assets() const;  // acts as the caller
  [[nodiscard]] storage::Readers readers() const;
  // Sees the caller's utilities only, where the database knows a role for that. For every query of a caller.
  [[nodiscard]] storage::Database& scoped() const { return scoped_; }

  // PERMISSION_DENIED before the store is asked, so that nobody learns which utilities exist.
  storage::Utility utility_of(const std::string& key) const;
  storage::Utility parent(const std::string& name) const;  // of a request's `parent` field
  // As it was when it was first asked for: key and number never change. For what must not wait for the
  // database that readings use.
  storage::Utility known_utility(const std::string& key) const;
  [[nodiscard]] regime::Regime regime_of(const storage::Utility& utility) const;
  [[nodiscard]] std::shared_ptr<const validation::Rules> rules() const;  // never null
  ResourceName resource(const std::string& field, const std::string& name) const;
  ResourceName resource(const std::string& field, const std::string& name, ResourceName::Kind kind) const;

  // The answer's value, or StatusError. Defects are logged.
  template <class T>
  T take(storage::Answer<T> answer, const ResourceName& subject) const {
    if (!answer.ok()) fail(answer.refusal(), subject);
    return std::move(answer).value();
  }
  template <class T>
  T take(storage::Answer<T> answer) const {
    return take(std::move(answer), ResourceName{});
  }
  [[noreturn]] void fail(const storage::Refusal& refusal, const ResourceName& subject) const;
  // Caller and rpc are filled in. Accesses are kept until the work that notes them has ended, and are then
  // stored before anything of it is sent.
  void log(CallRecord record) const;
  // Stores the accesses noted so far; StatusError when that fails: no log, no data. Gate::run calls it.
  void store_accesses() const;
  // For a stream that has ended: how many values each subject came to. Failure is logged only, for the access
  // itself is on record.
  void close_accesses(std::vector<storage::AccessSubject> subjects) const;

  // `also`: what else must stay the same from page to page.
  template <class Request>
  Page page(const Request& request, std::string_view also = {}) const {
    Request bare = request;
    bare.clear_page_size();
    bare.clear_page_token();
    return page(request.page_size(), request.page_token(), bare.SerializeAsString().append(also));
  }
  [[nodiscard]] std::string next_token(const Page& page, const std::string& store_token) const;

 private:
  [[nodiscard]] Page page(std::int32_t size, const std::string& token, std::string request) const;

  Gate& gate_;
  Backend& backend_;
  Caller caller_;
  std::string method_;
  mutable storage::Database scoped_;
  mutable std::vector<CallRecord> accesses_;  // noted, not yet stored
  mutable std::optional<storage::AccessCall> last_access_;
  mutable std::optional<storage::AccessCallId> access_id_;
};

class Gate {
 public:
  struct Plaintext {
    bool unix_socket = false;  // callers of the socket are the local operator
    bool demo = false;         // callers from loopback hold every role
  };
  Gate(Backend& backend, Plaintext plaintext, std::size_t max_calls);

  struct Admission {
    std::shared_ptr<Call> call;  // null: refused
    grpc::Status refusal;
  };
  Admission admit(const grpc::ServerContextBase& context, std::string_view method);

  // Runs `work` and turns whatever it throws into a status.
  static grpc::Status run(const Call& call, const std::function<void(const Call&)>& work);

  // On `executor`; null: that of the backend.
  grpc::ServerUnaryReactor* unary(grpc::CallbackServerContext* context, std::string_view method,
                                  std::function<void(const Call&)> work, const Executor* executor = nullptr);

  [[nodiscard]] const Executor* switching_threads() const;  // null: there are none

  void wait_idle();  // until no call is left

 private:
  friend class Call;
  void leave();

  Backend& backend_;
  const Plaintext plaintext_;
  const std::size_t max_calls_;
  std::mutex mutex_;
  std::condition_variable idle_;
  std::size_t calls_ = 0;
};

}  // namespace ami::rpc
