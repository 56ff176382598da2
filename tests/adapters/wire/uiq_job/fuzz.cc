// Any bytes as a template, as an answer and as a call: no crash.
#include <cstdint>
#include <string_view>

#include "adapters/wire/uiq_job/codec/uiq_job.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

// Up to the first NUL a template, behind it a message.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ami::uiq_job;
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const std::size_t end = all.find('\0');
  const auto site = SiteTemplate::parse(all.substr(0, end), "t");
  if (!site || end == std::string_view::npos) return 0;
  const std::string_view message = all.substr(end + 1);
  for (std::size_t i = 0; i < kOperations; ++i) {
    ami::DecodedBatch batch;
    (void)decode_results(*site, static_cast<Operation>(i), "job", message, batch).ok();
  }
  (void)decode_call(*site, message).ok();
  return 0;
}
