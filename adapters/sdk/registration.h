// How a module family makes itself known: one function in its folder (interfaces() in X/family.h), one line in
// adapters/CMakeLists.txt.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "adapters/sdk/adapter.h"
#include "adapters/sdk/file_reader.h"
#include "adapters/sdk/settings.h"

namespace ami::sdk {

// Everything the host needs to run one configured feed of a family.
struct FeedPlan {
  FeedRules rules;   // for the one normaliser
  std::string wire;  // codec for replay: "cmep", "ssn-export"
};

// One published interface of a module family. A family may have several (files and messages, say); a feed uses
// one, and its file says which (`interface`). A site that has both writes two feeds.
class AdapterFamily {
 public:
  virtual ~AdapterFamily() = default;
  [[nodiscard]] virtual const AdapterInfo& info() const noexcept = 0;
  // Feed settings beyond the ones that every feed has (name, utility, family): parser, defaults and docs in
  // one.
  [[nodiscard]] virtual const SettingsSchema& schema() const noexcept = 0;
  // Builds rules from checked settings; reads mapping files below `config_dir`. Problems carry file and line.
  [[nodiscard]] virtual Result<FeedPlan> plan(const Settings& settings,
                                              const std::string& config_dir) const = 0;
  [[nodiscard]] virtual std::unique_ptr<Adapter> make(const Settings& settings, Services services) const = 0;
  // What a feed with these settings can do: no more than info() states, and less where a section is absent.
  [[nodiscard]] virtual Capabilities capabilities(const Settings& /*settings*/) const {
    return info().capabilities;
  }
  // Reads one pushed message from the journal, or one self-contained record again (quarantine replay). Off
  // the strand, by several threads at once. `received_at`: when the message came, or the content that the
  // record was first read in.
  [[nodiscard]] virtual DecodedBatch decode(const Settings& settings, std::string_view raw,
                                            UtcInstant received_at) const = 0;
  // What a result that came later says of a command of `kind`. The same word means one thing in a request and
  // another in a report, so a family says what it means. Any thread.
  [[nodiscard]] virtual AttemptAnswer verdict(const Settings& settings, CommandKind kind,
                                              const ResultObservation& result) const;
  // How the far side of a feed takes commands. Any thread.
  [[nodiscard]] virtual CommandLimits command_limits(const Settings& /*settings*/) const { return {}; }
  // Reads a whole kept content again, as it was read when it arrived. Null: the family takes messages, and a
  // content is one record for decode().
  [[nodiscard]] virtual std::unique_ptr<FileReader> file_reader(const Settings& /*settings*/) const {
    return nullptr;
  }
};

// Settings that every feed file has: name, utility, family, interface, enabled. The same file also holds the family's
// own.
const std::vector<SettingDef>& common_feed_settings();
// common_feed_settings() and the family's own, joined: what a feed file is checked against.
SettingsSchema feed_schema(const AdapterFamily& family);

// Loads one feed file: `family` and `interface` in it say which schema applies; without `interface` the first one
// of the family. family is null when the file names none.
struct LoadedFeed {
  const AdapterFamily* family = nullptr;
  Settings settings;
  std::vector<Problem> problems;  // empty = good
};
LoadedFeed load_feed_file(const std::string& path,
                          const std::vector<std::unique_ptr<AdapterFamily>>& families);

// All interfaces of all families that were built in, in the order of the list (generated from
// adapters/CMakeLists.txt) and of each folder.
std::vector<std::unique_ptr<AdapterFamily>> built_in_families();

}  // namespace ami::sdk
