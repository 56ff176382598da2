#include "storage/postgres/protected_lists.h"

#include <algorithm>
#include <pqxx/pqxx>
#include <utility>

#include "storage/postgres/asset_rows.h"
#include "storage/postgres/binary_copy.h"

namespace ami::storage {
namespace {

// The trigger of protected_list says so, also of two at once.
Answer<Done> named(Answer<Done> answer, const ProtectedImport& list) {
  if (answer.ok()) return answer;
  const std::string& said = answer.refusal().message;
  if (said.find("PROTECTED_LIST_OLD") == std::string::npos &&
      said.find("protected_list_version") == std::string::npos)
    return answer;
  return old_protected_list(list);
}

}  // namespace

Answer<Done> PostgresProtectedLists::import(const ProtectedImport& list) {
  if (const auto wrong = wrong_import(list)) return *wrong;
  return named(database_.impl().answer([&](Session& session) {
    pqxx::work tx(session);
    const std::string texts[] = {std::string(name_of(list.kind)), clean_text(list.sha256),
                                 clean_text(list.signature), clean_text(list.signed_with),
                                 clean_text(list.actor)};
    const UtcInstant times[] = {list.made_at};
    Params params;
    params.i4(list.utility);
    params.i8(list.version);
    params.i8(static_cast<std::int64_t>(list.usage_points.size()));
    params.texts(texts);
    params.array(std::span<const UtcInstant>(times));
    const Rows made = Rows::query(session.raw(),
                                  "INSERT INTO protected_list (utility_id, version, entries, kind, sha256,"
                                  " signature, signed_with, actor, made_at) VALUES ($1, $2, $3, $4[1], $4[2],"
                                  " $4[3], $4[4], $4[5], $5[1]) RETURNING list_id",
                                  params);
    const std::int64_t id = made.i8(0, 0);
    std::vector<std::string> points;
    points.reserve(list.usage_points.size());
    for (const std::string& point : list.usage_points) points.push_back(clean_text(point));
    Params names;
    names.i8(id);
    names.i4(list.utility);
    names.texts(points);
    Rows::query(session.raw(),
                "INSERT INTO protected_entry (list_id, utility_id, usage_point) SELECT $1, $2, unnest($3)", names);
    Params old;
    old.i4(list.utility);
    old.i8(id);
    old.texts(std::span<const std::string>(texts, 1));
    Rows::query(session.raw(),
                "DELETE FROM protected_entry e USING protected_list l WHERE l.list_id = e.list_id AND l.utility_id ="
                " $1 AND l.kind = $3[1] AND l.list_id <> $2",
                old);
    tx.commit();
    return Done{};
  }),
               list);
}

Answer<std::vector<ProtectedMark>> PostgresProtectedLists::marks(std::int32_t utility,
                                                                 const std::string& usage_point) {
  return database_.impl().answer([&](Session& session) {
    const std::string texts[] = {clean_text(usage_point)};
    Params params;
    params.i4(utility);
    params.texts(texts);
    const Rows rows = Rows::query(
        session.raw(),
        "SELECT DISTINCT ON (l.kind) l.kind, l.version, l.made_at, l.sha256, l.entries, EXISTS (SELECT FROM"
        " protected_entry e WHERE e.list_id = l.list_id AND e.usage_point = $2[1])::int FROM protected_list l"
        " WHERE l.utility_id = $1 ORDER BY l.kind, l.version DESC",
        params);
    std::vector<ProtectedMark> out;
    for (int i = 0; i < rows.size(); ++i) {
      ProtectedMark mark;
      mark.kind = protected_kind_from(rows.text(i, 0)).value();
      mark.version = rows.i8(i, 1);
      mark.made_at = rows.at(i, 2);
      mark.sha256 = rows.text(i, 3);
      mark.entries = rows.i8(i, 4);
      mark.listed = rows.i4(i, 5) != 0;
      out.push_back(std::move(mark));
    }
    std::ranges::sort(out, {}, &ProtectedMark::kind);
    return out;
  });
}

}  // namespace ami::storage
