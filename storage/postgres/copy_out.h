// Inside the store only: rows of COPY (…) TO STDOUT in binary, one after the other while the server still makes
// the next ones. For answers of many rows, which Rows would hold whole. Failures throw what libpqxx would throw.
#pragma once

#include <optional>
#include <string>
#include <string_view>

struct pg_conn;

namespace ami::storage {

class CopyOut {
 public:
  // `select` takes no parameters. Until this object is gone the connection does nothing else.
  CopyOut(pg_conn* connection, const std::string& select);
  ~CopyOut();
  CopyOut(const CopyOut&) = delete;
  CopyOut& operator=(const CopyOut&) = delete;

  bool next();  // false: there is no further row
  // The next field of the row as PostgreSQL sends it: numbers with the highest byte first; nullopt = NULL. Valid
  // until next().
  std::optional<std::string_view> field();

 private:
  void fetch();  // the next piece into rest_; nothing at the end
  std::string_view take(std::size_t size);

  pg_conn* const connection_;
  char* piece_ = nullptr;
  std::string_view rest_;
  bool begun_ = false, ended_ = false;
};

}  // namespace ami::storage
