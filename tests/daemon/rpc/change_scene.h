// The services on the data of store_data.h, with ways to store more and to follow the change feed.
#pragma once

#include <pqxx/pqxx>
#include <string>
#include <vector>

#include "storage/postgres/ingest.h"
#include "tests/daemon/rpc/services_fixture.h"

namespace ami::rpc::testing {

inline constexpr ChangeFeedOptions kQuickFeed{std::chrono::milliseconds{10}, std::chrono::milliseconds{50},
                                              std::chrono::seconds{60}, 3};

class ChangeScene : public ServicesTest {
 protected:
  explicit ChangeScene(const ChangeFeedOptions& options = kQuickFeed)
      : ChangeScene(create_filled_database(), options) {}
  ChangeScene(const std::string& database, const ChangeFeedOptions& options)
      : ServicesTest(database, options), conninfo(database), store(fixture.database) {
    storage::Assets known(fixture.database);
    maui = known.get_utility("maui").value().id;
    m1 = known.get_meter(maui, "m1").value().id;
  }

  // Of channel ssn:lp:1 of m1 (15 min, exponent -2) unless told otherwise; ranked by `rank`.
  storage::CommitUnit unit(char content, UtcInstant rank = {});
  void add_values(storage::CommitUnit& unit, const std::string& start,
                  const std::vector<std::optional<std::int64_t>>& values, std::uint32_t quality = 0,
                  int length_s = 900);
  void commit(const storage::CommitUnit& unit);
  void sql(const std::string& statement) const;
  std::string one(const std::string& query) const;

  // An open stream. It gives up after 100 s.
  class Follower {
   public:
    Follower(v1::ReadingService::Stub& stub, const v1::StreamChangesRequest& request);
    ~Follower();
    std::optional<v1::StreamChangesResponse> read();
    v1::Change change();                  // the next one, past heartbeats
    std::vector<v1::Change> caught_up();  // changes up to the next heartbeat
    grpc::Status finish();                // reads whatever is left
    void cancel() { context_.TryCancel(); }
    std::string cursor;  // of the last message

   private:
    grpc::ClientContext context_;
    std::unique_ptr<grpc::ClientReader<v1::StreamChangesResponse>> reader_;
    bool ended_ = false;
  };
  static v1::StreamChangesRequest request();
  std::unique_ptr<Follower> follow(const v1::StreamChangesRequest& request = ChangeScene::request());
  // All that is waiting, with the status at its end.
  std::vector<v1::Change> all(v1::StreamChangesRequest request = ChangeScene::request());
  grpc::Status refusal(const v1::StreamChangesRequest& request);
  grpc::Status ack(const std::string& subscriber, const std::string& cursor, bool rewind = false);

  // "NEW+ESTIMATED 2013-04-07T23:00:00Z 1815e-2 < 17e0" of each slot; "-" for a hole.
  static std::vector<std::string> slots(const v1::Change& change);

  const std::string conninfo;
  storage::PostgresIngest store;
  storage::UtilityId maui = 0;
  MeterId m1 = 0;
};

}  // namespace ami::rpc::testing
