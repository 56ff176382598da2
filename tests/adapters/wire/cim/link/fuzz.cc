// Any bytes as a dropped file and as a posted message: no crash; what is kept of a message reads the same as
// the message, and holds no credentials of it.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "adapters/wire/cim/link/incoming.h"
#include "adapters/wire/cim/link/message_file_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

void demand(bool good, const char* what) {
  if (good) return;
  std::fprintf(stderr, "%s\n", what);
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ami;
  const std::string text(reinterpret_cast<const char*>(data), size);
  cim::Options options;
  options.landis_gyr = true;
  cim::AnswerRules rules;
  rules.opened = {"3.31.0.68"};

  cim::MessageFileReader reader(options, rules);
  reader.start_at(0);
  DecodedBatch by_file;
  const std::size_t half = size / 2;
  auto read = reader.read(std::make_shared<const std::string>(text.substr(0, half)), 0, false, by_file);
  if (read) read = reader.read(std::make_shared<const std::string>(text.substr(half)), half, true, by_file);

  const auto opened = cim::open_message(text, options.limits);
  if (!opened) return 0;
  if (opened->message.credentials) {
    const auto again = cim::open_message(opened->kept, options.limits);
    demand(again.ok(), "what is kept cannot be opened");
    demand(!again->message.credentials.has_value(), "credentials are kept");
  }
  const DecodedBatch by_journal = cim::read_or_quarantine(opened->kept, options, rules);
  if (read) {
    demand(by_journal.observations.size() == by_file.observations.size(), "file and message differ");
    demand(by_journal.results.size() == by_file.results.size(), "their results differ");
  }
  return 0;
}
