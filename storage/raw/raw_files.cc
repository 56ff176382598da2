#include "storage/raw/raw_files.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <set>
#include <system_error>

#include "meter_model/failpoint.h"

namespace ami::storage {
namespace {

namespace fs = std::filesystem;

constexpr int kLevel = 1;  // meter text shrinks well all the same, at a third of the cost of level 3
constexpr int kLargestWindowLog = 23;  // 8 MiB: what one reader may need, whoever wrote the file
constexpr std::size_t kReadSize = 256 << 10;
constexpr mode_t kMode = 0640;
constexpr time_t kYoung_s = 60;

std::string why(int error) {
  return std::system_category().message(error);
}

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) {
    if (!context_ || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1) throw std::bad_alloc();
  }
  void add(const char* data, std::size_t size) { EVP_DigestUpdate(context_.get(), data, size); }
  std::string hex() {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    EVP_DigestFinal_ex(context_.get(), digest, &length);
    constexpr char kDigits[] = "0123456789abcdef";
    std::string out;
    for (unsigned i = 0; i < length; ++i) out += {kDigits[digest[i] >> 4], kDigits[digest[i] & 15]};
    return out;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

Outcome sync_folder(const fs::path& folder) {
  const Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0 || ::fsync(fd.get()) != 0) {
    return transient("cannot make a name in " + folder.string() + " durable: " + why(errno));
  }
  return Done{};
}

// The folder itself must survive a crash, too.
Outcome make_folder(const fs::path& folder) {
  std::error_code error;
  const bool made = fs::create_directories(folder, error);
  if (error || !fs::is_directory(folder, error)) {
    return transient("the folder " + folder.string() + " cannot be made" +
                     (error ? ": " + error.message() : ": something else has its name"));
  }
  return made ? sync_folder(folder.parent_path()) : Outcome(Done{});
}

Outcome write_all(int fd, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t written = ::write(fd, data, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return transient(why(errno));
    data += written;
    size -= static_cast<std::size_t>(written);
  }
  return Done{};
}

struct FreeCompressor {
  void operator()(ZSTD_CCtx* context) const noexcept { ZSTD_freeCCtx(context); }
};
struct FreeDecompressor {
  void operator()(ZSTD_DCtx* context) const noexcept { ZSTD_freeDCtx(context); }
};

// Compresses all of it into `fd`; the hash of what was read.
Result<std::string> compress(int fd, std::uint64_t size, const ReadContent& read) {
  const std::unique_ptr<ZSTD_CCtx, FreeCompressor> context(ZSTD_createCCtx());
  if (!context) throw std::bad_alloc();
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, kLevel);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
  ZSTD_CCtx_setPledgedSrcSize(context.get(), size);
  Sha256 hash;
  const auto in = std::make_unique<char[]>(kReadSize);
  const std::size_t out_size = ZSTD_CStreamOutSize();
  const auto out = std::make_unique<char[]>(out_size);
  for (std::uint64_t offset = 0;;) {
    const Result<std::size_t> got = read(in.get(), kReadSize, offset);
    if (!got) return got.error();
    hash.add(in.get(), *got);
    offset += *got;
    const bool last = *got < kReadSize;
    ZSTD_inBuffer input{in.get(), *got, 0};
    for (bool done = false; !done;) {
      ZSTD_outBuffer output{out.get(), out_size, 0};
      const std::size_t left =
          ZSTD_compressStream2(context.get(), &output, &input, last ? ZSTD_e_end : ZSTD_e_continue);
      // More or fewer bytes than were announced are an error, too.
      if (ZSTD_isError(left))
        return transient(std::string("it was changed while it was kept: ") + ZSTD_getErrorName(left));
      if (const Outcome written = write_all(fd, out.get(), output.pos); !written) return written.error();
      done = last ? left == 0 : input.pos == input.size;
    }
    if (last && offset != size) return transient("it was changed while it was kept");
    if (last) return hash.hex();
  }
}

}  // namespace

bool is_sha256(std::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

struct RawReader::Impl {
  Impl(fs::path file, std::string name, int descriptor)
      : path(std::move(file)), sha256(std::move(name)), fd(descriptor), context(ZSTD_createDCtx()) {
    if (!context) throw std::bad_alloc();
    ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, kLargestWindowLog);
  }

  Error corrupt(const std::string& what) {
    broken = true;
    const fs::path aside = path.string() + ".corrupt";
    std::error_code error;
    fs::rename(path, aside, error);
    return permanent("the kept content " + sha256 + " is corrupt (" + what + "); it was put aside as " +
                     aside.string() + ", restore it from a backup or have its file sent again");
  }

  const fs::path path;
  const std::string sha256;
  const Fd fd;
  const std::unique_ptr<ZSTD_DCtx, FreeDecompressor> context;
  const std::unique_ptr<char[]> buffer = std::make_unique<char[]>(kReadSize);
  ZSTD_inBuffer input{buffer.get(), 0, 0};
  Sha256 hash;
  std::size_t frame_left = 1;  // 0 = the frame is complete
  bool ended = false, broken = false;
};

RawReader::RawReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RawReader::RawReader(RawReader&&) noexcept = default;
RawReader& RawReader::operator=(RawReader&&) noexcept = default;
RawReader::~RawReader() = default;

Result<std::size_t> RawReader::read(char* into, std::size_t size) {
  Impl& self = *impl_;
  if (self.broken) return permanent("the kept content " + self.sha256 + " is corrupt");
  ZSTD_outBuffer output{into, self.ended ? 0 : size, 0};
  while (output.pos < output.size) {
    if (self.input.pos == self.input.size) {
      const ssize_t got = ::read(self.fd.get(), self.buffer.get(), kReadSize);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return transient(self.path.string() + " cannot be read: " + why(errno));
      if (got == 0) {
        if (self.frame_left != 0) return self.corrupt("it ends in the middle");
        self.ended = true;
        self.hash.add(into, output.pos);
        if (self.hash.hex() != self.sha256) return self.corrupt("its bytes have another hash");
        return output.pos;
      }
      self.input = {self.buffer.get(), static_cast<std::size_t>(got), 0};
    }
    if (self.frame_left == 0) return self.corrupt("something stands behind its end");
    self.frame_left = ZSTD_decompressStream(self.context.get(), &output, &self.input);
    if (ZSTD_isError(self.frame_left)) return self.corrupt(ZSTD_getErrorName(self.frame_left));
  }
  self.hash.add(into, output.pos);
  return output.pos;
}

fs::path RawFiles::path_of(const std::string& sha256) const {
  return folder_ / sha256.substr(0, 2) / (sha256 + ".zst");
}

Outcome RawFiles::prepare() const {
  if (Outcome made = make_folder(folder_); !made) return made;
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder_, error), end; !error && it != end; it.increment(error)) {
    if (it->path().extension() == ".part") {
      std::error_code ignored;
      fs::remove(it->path(), ignored);
    }
  }
  if (error) return transient("the folder " + folder_.string() + " cannot be read: " + error.message());
  return Done{};
}

// A content on its way: written beside its place, unless it is there already (then without a descriptor).
struct RawFiles::Part {
  Part(fs::path final_path, std::uint64_t size) : path(std::move(final_path)), bytes(size) {}
  Part(Part&&) = default;
  Part& operator=(Part&&) = delete;
  ~Part() {
    if (fd && !part.empty()) ::unlink(part.c_str());
  }
  fs::path path, part;  // `part` is empty once it has its name
  std::unique_ptr<Fd> fd;
  std::uint64_t bytes = 0;  // on disk
  bool young = false;       // somebody else gave it its name, and may not have made that durable yet
};

Result<RawFiles::Part> RawFiles::write(const Content& content) const {
  const std::string& sha256 = content.sha256;
  if (!is_sha256(sha256)) return permanent("not the SHA-256 of a content: '" + sha256.substr(0, 80) + "'");
  struct stat status {};
  Part out(path_of(sha256), 0);
  if (::stat(out.path.c_str(), &status) == 0) {
    out.bytes = static_cast<std::uint64_t>(status.st_size);
    out.young = ::time(nullptr) - status.st_ctim.tv_sec < kYoung_s;
    return out;
  }
  if (Outcome made = make_folder(out.path.parent_path()); !made) return made.error();
  out.part = out.path.parent_path() /
             ("." + sha256 + "." + std::to_string(::getpid()) + "-" + std::to_string(++parts_) + ".part");
  out.fd =
      std::make_unique<Fd>(::open(out.part.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, kMode));
  if (out.fd->get() < 0) {
    out.part.clear();
    return transient(why(errno));
  }
  const Result<std::string> hash = compress(out.fd->get(), content.size, content.read);
  if (!hash) return hash.error();
  if (*hash != sha256) return transient("it was changed while it was kept");
  if (::fstat(out.fd->get(), &status) != 0) return transient(why(errno));
  out.bytes = static_cast<std::uint64_t>(status.st_size);
  // Begun for all before the first is waited for: then one wait of the disk is for all of them.
  (void)::sync_file_range(out.fd->get(), 0, 0, SYNC_FILE_RANGE_WRITE);
  return out;
}

Result<std::uint64_t> RawFiles::keep(const std::string& sha256, std::uint64_t size,
                                     const ReadContent& read) const {
  const Content alone[] = {{sha256, size, read}};
  auto kept = keep(alone);
  if (!kept) return kept.error();
  return kept->front();
}

Result<std::vector<std::uint64_t>> RawFiles::keep(std::span<const Content> contents) const {
  const auto fail = [&](const Error& error) {
    return Error{error.fault, "the content cannot be kept in " + folder_.string() + ": " + error.message};
  };
  std::vector<Part> parts;
  std::vector<std::uint64_t> bytes;
  for (const Content& content : contents) {
    auto part = write(content);
    if (!part) return part.error().fault == Fault::Permanent ? part.error() : fail(part.error());
    bytes.push_back(part->bytes);
    if (part->fd || part->young) parts.push_back(std::move(*part));
  }
  for (const Part& part : parts) {
    if (part.fd && ::fsync(part.fd->get()) != 0) return fail(transient(why(errno)));
  }
  failpoint("raw.before_rename");
  std::set<fs::path> folders;
  for (Part& part : parts) {
    if (part.fd && ::rename(part.part.c_str(), part.path.c_str()) != 0) return fail(transient(why(errno)));
    part.part.clear();
    folders.insert(part.path.parent_path());
  }
  for (const fs::path& folder : folders) {
    if (Outcome synced = sync_folder(folder); !synced) return synced.error();
  }
  failpoint("raw.after_rename");
  return bytes;
}

bool RawFiles::holds(const std::string& sha256) const {
  return is_sha256(sha256) && ::access(path_of(sha256).c_str(), R_OK) == 0;
}

Result<RawReader> RawFiles::open(const std::string& sha256) const {
  if (!is_sha256(sha256)) return permanent("not the SHA-256 of a content: '" + sha256.substr(0, 80) + "'");
  const fs::path path = path_of(sha256);
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) {
    return errno == ENOENT ? permanent("the content is not kept (any more)")
                           : transient(path.string() + " cannot be opened: " + why(errno));
  }
  return RawReader(std::make_unique<RawReader::Impl>(path, sha256, fd));
}

Outcome RawFiles::verify(const std::string& sha256) const {
  Result<RawReader> reader = open(sha256);
  if (!reader) return reader.error();
  const auto buffer = std::make_unique<char[]>(kReadSize);
  for (;;) {
    const Result<std::size_t> got = reader->read(buffer.get(), kReadSize);
    if (!got) return got.error();
    if (*got < kReadSize) return Done{};
  }
}

Outcome RawFiles::remove(const std::string& sha256) const {
  if (!is_sha256(sha256)) return permanent("not the SHA-256 of a content: '" + sha256.substr(0, 80) + "'");
  const fs::path path = path_of(sha256);
  if (::unlink(path.c_str()) != 0) {
    if (errno == ENOENT) return Done{};
    return transient(path.string() + " cannot be removed: " + why(errno));
  }
  return sync_folder(path.parent_path());
}

Result<std::vector<std::string>> RawFiles::older_than(int subfolder, std::chrono::seconds age) const {
  constexpr char kDigits[] = "0123456789abcdef";
  const fs::path folder = folder_ / std::string{kDigits[(subfolder >> 4) & 15], kDigits[subfolder & 15]};
  std::vector<std::string> found;
  std::error_code error;
  const auto limit = fs::file_time_type::clock::now() - age;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    std::error_code gone;
    if (name.size() != 68 || !name.ends_with(".zst") || !is_sha256(name.substr(0, 64))) continue;
    if (it->last_write_time(gone) < limit && !gone) found.push_back(name.substr(0, 64));
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return transient("the folder " + folder.string() + " cannot be read: " + error.message());
  }
  return found;
}

}  // namespace ami::storage
