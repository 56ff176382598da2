// TLS settings in use: read from files, read again when the files change. Private: heavy.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adapters/sdk/adapter.h"
#include "adapters/wire/http/tls_settings.h"

namespace ami::http {

using TlsContext = std::shared_ptr<boost::asio::ssl::context>;

enum class TlsSide { Server, Client };

// Reads and checks all files: TLS 1.2 or newer, key fits certificate, key closed to others. Permanent names
// the file. Blocks.
Result<TlsContext> load_tls(TlsSide side, const TlsSettings& settings);

// On the strand. Connections that exist keep the context that they began with.
class TlsFiles {
 public:
  TlsFiles(TlsSide side, TlsSettings settings, const sdk::Services& services);

  // What new connections use. Looks whether the files changed, at most once in `settings.look_again`; files
  // that cannot be used are told of (HTTP_CERTIFICATES_KEPT) and leave what was there in use.
  sdk::Awaitable<Result<TlsContext>> current();
  sdk::Awaitable<Outcome> reload();  // now, changed or not

 private:
  struct Stamp {
    std::int64_t modified_ns = 0, size = -1, inode = 0;
    bool operator==(const Stamp&) const = default;
  };
  using Stamps = std::vector<Stamp>;
  static Stamps stamps_of(const TlsSettings& settings);
  sdk::Awaitable<Outcome> load(bool even_if_same);

  const TlsSide side_;
  const TlsSettings settings_;
  const sdk::Services services_;
  TlsContext context_;
  Stamps stamps_;
  UtcInstant looked_at_{};
  bool looking_ = false;
};

}  // namespace ami::http
