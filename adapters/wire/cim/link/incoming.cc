#include "adapters/wire/cim/link/incoming.h"

#include <algorithm>
#include <set>
#include <utility>
#include <variant>
#include <vector>

#include "adapters/wire/cim/codec/envelope.h"

namespace ami::cim {
namespace {

constexpr std::size_t kLongestTransaction = 32;
constexpr std::size_t kMostRawOfUnreadable = 1 << 20;

bool may_be_ours(std::string_view transaction) {
  return !transaction.empty() && transaction.size() <= kLongestTransaction &&
         std::all_of(transaction.begin(), transaction.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
         });
}

ResultObservation result_like(const ObservationHead& head, std::string_view transaction,
                              const char* measure) {
  ResultObservation result;
  static_cast<ObservationHead&>(result) = head;
  result.channel = result.unit = {};
  result.measure = measure;
  result.transaction = transaction;
  return result;
}

void add_results(Decoded& decoded, const AnswerRules& rules, std::string_view transaction) {
  DecodedBatch& batch = decoded.batch;
  std::set<std::string_view> read;
  for (const Observation& observation : batch.observations) {
    if (const auto* series = std::get_if<SeriesObservation>(&observation)) {
      if (read.insert(series->meter).second)
        batch.results.push_back(result_like(*series, transaction, kReadMeasure));
    } else if (const auto& event = std::get<EventObservation>(observation); rules.is_of_switch(event.code)) {
      ResultObservation result = result_like(event, transaction, kStateMeasure);
      result.word = event.code;
      result.time = event.time;
      batch.results.push_back(result);
    }
  }
}

}  // namespace

Result<Decoded> read_incoming(std::string_view message, const Options& options, const AnswerRules& rules,
                              std::string_view asked) {
  auto decoded = decode(message, options);
  if (!decoded) return decoded.error();
  DecodedBatch& batch = decoded->batch;
  batch.skipped += decoded->never_set;
  std::string_view transaction = decoded->message.header.correlation_id;
  if (transaction.empty()) {
    transaction = asked;
    for (ResultObservation& result : batch.results) result.transaction = batch.text(asked);
  }
  if (may_be_ours(transaction)) add_results(*decoded, rules, batch.text(transaction));
  const bool of_meters = std::any_of(batch.results.begin(), batch.results.end(),
                                     [](const ResultObservation& result) { return !result.meter.empty(); });
  if (of_meters) {
    std::erase_if(batch.results, [](const ResultObservation& result) {
      return result.measure == "Reply" && (result.word == "OK" || result.word == "PARTIAL");
    });
  }
  return decoded;
}

DecodedBatch read_or_quarantine(std::string_view message, const Options& options, const AnswerRules& rules) {
  auto decoded = read_incoming(message, options, rules);
  if (decoded) return std::move(decoded->batch);
  DecodedBatch batch;
  const bool cut = message.size() > kMostRawOfUnreadable;
  batch.malformed.push_back({0,
                             batch.text(message.substr(0, kMostRawOfUnreadable)),
                             {},
                             "unreadable_message",
                             decoded.error().message + (cut ? "; raw is cut" : "")});
  return batch;
}

Result<Opened> open_message(std::string_view bytes, const xml::TreeLimits& limits) {
  const auto tree = xml::Tree::parse(bytes, limits);
  if (!tree) return tree.error();
  Opened opened;
  const xml::Element root = tree->root();
  const auto envelope = open_envelope(root, opened.message);
  if (!envelope) return envelope.error();

  std::vector<xml::Element> cut;
  if (root.name() == "Envelope") {
    for (xml::Element part = root.first_child(); part; part = part.next()) {
      if (part.name() == "Header") cut.push_back(part);
    }
  }
  if (!envelope->soap_fault) {
    for (xml::Element part = envelope->message.first_child(); part; part = part.next()) {
      if (part.name() != "Header") continue;
      for (xml::Element child = part.first_child(); child; child = child.next()) {
        if (child.name() == "User" || child.name() == "Property" || child.name() == "ReplyAddress")
          cut.push_back(child);
      }
    }
  }
  // A SOAP Header may stand behind its Body.
  std::ranges::sort(cut, {}, &xml::Element::begin);
  std::uint64_t from = 0;
  for (const xml::Element& element : cut) {
    opened.kept.append(bytes.substr(from, element.begin() - from));
    from = element.end();
  }
  opened.kept.append(bytes.substr(from));

  const Header& header = opened.message.header;
  const bool orders = header.noun == "EndDeviceControls" && !envelope->reply && header.verb != "reply" &&
                      !header.verb.ends_with("ed");
  opened.tells = (envelope->reply || envelope->payload.first_child()) && !orders;
  return opened;
}

}  // namespace ami::cim
