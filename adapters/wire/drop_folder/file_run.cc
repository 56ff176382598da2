#include "adapters/wire/drop_folder/file_run.h"

#include <algorithm>

namespace ami::wire {

FileRun::FileRun(OpenedFile file, std::unique_ptr<FileReader> reader, std::uint64_t committed)
    : file_(std::move(file)),
      reader_(std::move(reader)),
      at_(reader_->start_at(committed)),
      begin_(committed) {}

Stretch FileRun::next(const DropFolderConfig& config) {
  Stretch stretch;
  stretch.begin = begin_;
  for (;;) {
    auto bytes = std::make_shared<std::string>();
    bytes->resize(std::min<std::uint64_t>(config.chunk_bytes, size() - std::min(at_, size())));
    const Result<std::size_t> got = read_at(file_.fd.get(), bytes->data(), bytes->size(), at_);
    const Result<FileStamp> stamp = stamp_of(file_.fd.get());
    if (!got || !stamp) {
      stretch.failed = got ? stamp.error() : got.error();
      return stretch;
    }
    // The hash was taken of other bytes: what is read now may not be stored under its name.
    if (*got != bytes->size() || stamp->size != size() || stamp->mtime_ns != file_.stamp.mtime_ns) {
      stretch.failed = transient("was changed while it was read");
      return stretch;
    }
    const bool last = at_ + bytes->size() >= size();
    const Result<std::uint64_t> consumed = reader_->read(std::move(bytes), at_, last, stretch.batch);
    if (!consumed) {
      stretch.broken = consumed.error().message;
    } else if (*consumed == 0 && !last) {
      stretch.broken = "at byte " + std::to_string(at_) + ": a record is longer than " +
                       std::to_string(config.chunk_bytes) + " bytes";
    } else {
      at_ += *consumed;
    }
    stretch.last = last && !stretch.broken;
    stretch.end = stretch.last ? size() : std::max(begin_, reader_->safe_offset());
    if (stretch.last || stretch.broken || stretch.end - begin_ >= config.batch_bytes ||
        stretch.batch.observations.size() + stretch.batch.malformed.size() >= config.batch_observations) {
      begin_ = stretch.end;
      return stretch;
    }
  }
}

}  // namespace ami::wire
