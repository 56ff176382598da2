// Reads a kept content stretch by stretch, with the decoder that a feed has today.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/sdk/file_reader.h"
#include "storage/raw/raw_files.h"

namespace ami::daemon {

// How to read the contents of a feed.
struct ContentDecoder {
  std::function<std::unique_ptr<sdk::FileReader>()> file;  // null result: a content is one message
  std::function<DecodedBatch(std::string_view raw, UtcInstant received_at)> message;
};

// Blocking; one thread at a time. Memory: about a stretch, and one read ahead.
class ContentReader {
 public:
  // What begins below `begin` is left out.
  ContentReader(storage::RawReader raw, const ContentDecoder& decoder, std::uint64_t begin,
                UtcInstant received_at);

  // Records that begin below `end` and were not given before. `shared` keeps the bytes alive that `decoded`
  // looks at.
  struct Part {
    DecodedBatch decoded;
    std::vector<std::shared_ptr<const TextArena>> shared;
  };
  Result<Part> up_to(std::uint64_t end);

 private:
  struct Held {
    std::shared_ptr<const TextArena> arena;
    std::vector<Observation> observations;
    std::vector<MalformedRecord> malformed;
  };
  Outcome read_on();
  Outcome read_message();
  Outcome fill(std::size_t size);
  void hold(DecodedBatch&& batch);

  storage::RawReader raw_;
  const ContentDecoder& decoder_;
  const UtcInstant received_at_;
  std::unique_ptr<sdk::FileReader> file_;
  std::uint64_t begin_;
  std::uint64_t at_ = 0;    // of the first byte of bytes_
  std::string bytes_;       // read but not consumed
  bool all_read_ = false;   // bytes_ reaches to the end of the content
  bool ended_ = false;      // nothing more will be decoded
  std::vector<Held> held_;  // decoded but not given
};

}  // namespace ami::daemon
