// The services on a database with two utilities, and short ways to put meters and what they sent into it.
#pragma once

#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "storage/postgres/ingest.h"
#include "storage/postgres/validation.h"
#include "tests/daemon/rpc/services_fixture.h"

namespace ami::rpc::testing {

inline constexpr const char* kDelivered = "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.0.72.0";
inline constexpr const char* kReceived = "0.0.0.1.19.1.12.0.0.0.0.0.0.0.0.0.72.0";
inline constexpr const char* kQuarterHours = "0.0.2.4.1.1.12.0.0.0.0.0.0.0.0.0.72.0";
inline constexpr const char* kVolts = "0.0.0.12.0.1.54.0.0.0.0.0.0.0.768.0.29.0";

// Utility "maui", zone Pacific/Honolulu; meters and usage points are known since 2012-01-01.
class ReadsScene : public ServicesTest {
 protected:
  ReadsScene() : ReadsScene(create_empty_database()) {}
  explicit ReadsScene(const std::string& conninfo);

  MeterId meter(const std::string& key, const std::string& model = "AX-SD");
  void usage_point(const std::string& key, const std::string& zone = {});
  void install(const std::string& meter, const std::string& usage_point, const std::string& when,
               const Decimal& multiplier = {1, 0}, const std::vector<storage::DialRead>& start = {});
  void remove(const std::string& meter, const std::string& when,
              const std::vector<storage::DialRead>& end = {});

  // One file. Each call of commit() stores what was added since the last one.
  void reading(const std::string& meter, const std::string& key, const char* type, const std::string& when,
               const std::string& value, std::initializer_list<const char*> codes = {});
  // Quarter hours from `start` on; "" = missing.
  void quarters(const std::string& meter, const std::string& key, const std::string& start,
                const std::vector<std::string>& values, std::initializer_list<const char*> codes = {});
  void event(const std::string& meter, const std::string& when, const char* kind);
  void commit(const std::string& feed = "feed-1");

  void sql(const std::string& statement) const;
  [[nodiscard]] storage::UtilityId utility() const { return maui_; }

  const std::string conninfo;

 private:
  std::uint32_t channel_number(const std::string& meter, const std::string& key, const char* type);
  std::uint32_t quality_number(std::initializer_list<const char*> codes);

  storage::Assets assets_;
  storage::PostgresIngest ingest_;
  storage::UtilityId maui_ = 0;
  std::map<std::string, MeterId> meters_;
  NormalisedBatch batch_;
  int files_ = 0;
};

}  // namespace ami::rpc::testing
