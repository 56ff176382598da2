#include "storage/postgres/raw_contents.h"

#include <pqxx/pqxx>

#include "storage/postgres/binary_copy.h"
#include "storage/postgres/session.h"

namespace ami::storage {
namespace {

// Months are counted in UTC, so that a setting means the same everywhere. $M = months, 0 = for ever.
std::string expiry(const char* received, const char* months) {
  return std::string("CASE WHEN ") + months + " > 0 THEN " + received + " + make_interval(months => " +
         months + ") END";
}

std::string due(const char* months, const char* now) {
  return std::string("dropped_at IS NULL AND ") + months + " > 0 AND received_at + make_interval(months => " +
         months + ") <= " + now + " AND NOT ami_raw_held(utility_id, feed, content_sha256, received_at)";
}

}  // namespace

Outcome RawContents::claim(std::span<const RawClaim> claims, int keep_months) {
  return database_.impl().run([&](Session& session) {
    std::vector<std::string> hashes, feeds, names;
    std::vector<std::int32_t> utilities;
    std::vector<std::int64_t> bytes, compressed;
    std::vector<UtcInstant> received;
    for (const RawClaim& claim : claims) {
      hashes.push_back(claim.sha256);
      feeds.push_back(clean_text(claim.feed));
      names.push_back(clean_text(claim.name));
      utilities.push_back(claim.utility);
      bytes.push_back(static_cast<std::int64_t>(claim.bytes));
      compressed.push_back(static_cast<std::int64_t>(claim.compressed_bytes));
      received.push_back(claim.received_at);
    }
    Params params;
    for (const auto* column : {&hashes, &feeds, &names}) params.texts(*column);
    params.array(std::span<const std::int32_t>(utilities));
    params.array(std::span<const std::int64_t>(bytes));
    params.array(std::span<const std::int64_t>(compressed));
    params.array(std::span<const UtcInstant>(received));
    params.i4(keep_months);
    // Of one content that came twice the later receipt counts: a statement may touch a row only once.
    static const std::string sql =
        "INSERT INTO raw_content AS r (content_sha256, utility_id, feed, name, bytes, compressed_bytes,"
        " received_at, expires_at)"
        " SELECT DISTINCT ON (k.sha256, k.utility, k.feed) k.sha256, k.utility, k.feed, k.name, k.bytes,"
        "  k.compressed, k.received, " +
        expiry("k.received", "$8") +
        " FROM unnest($1, $2, $3, $4, $5, $6, $7)"
        "  AS k (sha256, feed, name, utility, bytes, compressed, received)"
        " ORDER BY k.sha256, k.utility, k.feed, k.received DESC"
        " ON CONFLICT (content_sha256, utility_id, feed) DO UPDATE SET"
        " compressed_bytes = excluded.compressed_bytes,"
        " received_at = greatest(r.received_at, excluded.received_at), expires_at = " +
        expiry("greatest(r.received_at, excluded.received_at)", "$8") + ", dropped_at = NULL";
    pqxx::work tx(session);
    Rows::repeated(session.raw(), sql.c_str(), params);
    tx.commit();
    return Done{};
  });
}

Result<std::vector<std::string>> RawContents::expired(int keep_months, UtcInstant now,
                                                      const std::string& after, int limit) {
  return database_.impl().run([&](Session& session) {
    pqxx::work tx(session);
    const UtcInstant times[] = {now};
    const std::string texts[] = {after};
    Params params;
    params.i4(keep_months);
    params.array(std::span<const UtcInstant>(times));
    params.texts(texts);
    params.i4(limit);
    // The setting may have changed since a row was written: what one sees in the table is what holds.
    Params months;
    months.i4(keep_months);
    Rows::query(session.raw(),
                ("UPDATE raw_content SET expires_at = " + expiry("received_at", "$1") +
                 " WHERE dropped_at IS NULL AND expires_at IS DISTINCT FROM " + expiry("received_at", "$1"))
                    .c_str(),
                months);
    const Rows rows =
        Rows::query(session.raw(),
                    ("SELECT DISTINCT content_sha256 FROM raw_content WHERE content_sha256 > $3[1] AND " +
                     due("$1", "$2[1]") + " ORDER BY 1 LIMIT $4")
                        .c_str(),
                    params);
    std::vector<std::string> found;
    for (int i = 0; i < rows.size(); ++i) found.emplace_back(rows.text(i, 0));
    tx.commit();
    return found;
  });
}

Result<bool> RawContents::drop_expired(const std::string& sha256, int keep_months, UtcInstant now) {
  return database_.impl().run([&](Session& session) {
    pqxx::work tx(session);
    const std::string texts[] = {sha256};
    const UtcInstant times[] = {now};
    Params params;
    params.texts(texts);
    params.i4(keep_months);
    params.array(std::span<const UtcInstant>(times));
    Rows::query(
        session.raw(),
        ("UPDATE raw_content SET dropped_at = $3[1] WHERE content_sha256 = $1[1] AND " + due("$2", "$3[1]"))
            .c_str(),
        params);
    Params content;
    content.texts(texts);
    const Rows left = Rows::query(
        session.raw(), "SELECT count(*) FROM raw_content WHERE content_sha256 = $1[1] AND dropped_at IS NULL",
        content);
    const bool last = left.i8(0, 0) == 0;
    tx.commit();
    return last;
  });
}

Result<std::vector<std::string>> RawContents::unclaimed(const std::vector<std::string>& sha256s) {
  return database_.impl().run([&](Session& session) {
    pqxx::read_transaction tx(session);
    Params params;
    params.texts(sha256s);
    const Rows rows =
        Rows::query(session.raw(),
                    "SELECT k.sha FROM unnest($1) AS k (sha) WHERE NOT EXISTS (SELECT FROM raw_content r"
                    " WHERE r.content_sha256 = k.sha AND r.dropped_at IS NULL)",
                    params);
    std::vector<std::string> found;
    for (int i = 0; i < rows.size(); ++i) found.emplace_back(rows.text(i, 0));
    return found;
  });
}

Answer<std::map<std::int64_t, SourceStory>> RawContents::stories(UtilityId utility,
                                                                 const std::vector<std::int64_t>& sources) {
  return database_.impl().answer([&](Session& session) {
    pqxx::read_transaction tx(session);
    Params params;
    params.i4(utility);
    params.array(std::span<const std::int64_t>(sources));
    const Rows rows =
        Rows::query(session.raw(),
                    "SELECT s.source_id, s.cause, CASE WHEN isfinite(s.stored_at) THEN s.stored_at END,"
                    " r.content_sha256 IS NOT NULL AND r.dropped_at IS NULL, coalesce(r.bytes, 0)"
                    " FROM source s LEFT JOIN raw_content r USING (content_sha256, utility_id, feed)"
                    " WHERE s.utility_id = $1 AND s.source_id = ANY ($2)",
                    params);
    std::map<std::int64_t, SourceStory> found;
    for (int i = 0; i < rows.size(); ++i) {
      SourceStory& story = found[rows.i8(i, 0)];
      story.cause = rows.text(i, 1);
      story.stored_at = rows.maybe_at(i, 2);
      story.claimed = rows.text(i, 3) == std::string_view("\1", 1);
      story.bytes = static_cast<std::uint64_t>(rows.i8(i, 4));
    }
    return found;
  });
}

}  // namespace ami::storage
