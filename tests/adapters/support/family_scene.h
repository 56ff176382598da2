// One family's interfaces in a folder of the test's own: feed files, what they can do, and what becomes of a
// message or file on its whole way to readings and events.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "adapters/sdk/registration.h"
#include "adapters/sdk/testing/fake_host.h"
#include "meter_model/normaliser/normaliser.h"

namespace ami::testing {

class FamilyScene : public ::testing::Test {
 public:
  explicit FamilyScene(std::vector<std::unique_ptr<sdk::AdapterFamily>> families);
  ~FamilyScene() override;

  // config/adapters/NAME as shipped, its drop folder (if it has one) in this test's, with these lines behind
  // it.
  sdk::LoadedFeed shipped(const std::string& name, const std::string& more = "");
  // The same without the top-level keys that are named here, and what stands below them.
  sdk::LoadedFeed shipped_without(const std::string& name, const std::vector<std::string>& keys,
                                  const std::string& more = "");
  sdk::LoadedFeed feed(const std::string& yaml);
  // Text of every problem, of the file and of plan(); "" = good.
  std::string problems(const sdk::LoadedFeed& feed) const;

  // Names of what a feed can do, for short: "pushed files registers intervals events read ping reset backfill
  // open close arm state", those that it can.
  static std::string can(const sdk::LoadedFeed& feed);

  // What a callback, or a file, that came at `received` says, in canonical units. One text each:
  //   reg METER KEY TYPE UNIT AT VALUE [QUALITY] FLAG @OCCURRED      int METER KEY TYPE UNIT FIRST +LENGTH
  //   VALUES… event METER KIND CODE AT "RAW CODE" "TEXT"                     result METER TRANSACTION
  //   WORD/FAULT ! METER REASON
  // Meters are known by their names in `meters`, of any kind.
  using Lines = std::vector<std::string>;
  Lines message(const sdk::LoadedFeed& feed, const std::string& bytes, const std::string& received);
  Lines file(const sdk::LoadedFeed& feed, const std::string& bytes, const std::string& received,
             std::size_t chunk = 1 << 20);
  // The same through an adapter that watches its folder; `name` is dropped there.
  Lines dropped(const sdk::LoadedFeed& feed, const std::string& name, const std::string& bytes);

  // What comes of an order that is given to the running feed without its head-end's URLs: what the interface itself
  // says, before anything is sent.
  sdk::AttemptAnswer order(const sdk::LoadedFeed& feed, sdk::CommandKind kind);

  static std::string config_dir();
  static std::string read(const std::string& path);  // below the source tree
  static std::string golden(const std::string& folder, const std::string& name) {
    return read("tests/adapters/" + folder + "/golden/" + name);
  }

  std::map<std::string, MeterId> meters;
  std::string form = "2S";
  std::filesystem::path folder;
  sdk::testing::FakeHost host;

 private:
  void drive(sdk::Awaitable<void> work);
  Lines said(const sdk::LoadedFeed& feed, const DecodedBatch& batch, UtcInstant received);

  std::vector<std::unique_ptr<sdk::AdapterFamily>> families_;
};

}  // namespace ami::testing
