#include <array>
#include <utility>

#include "adapters/wire/cim/codec/cim.h"
#include "adapters/wire/cim/codec/envelope.h"
#include "adapters/wire/cim/codec/frame.h"
#include "adapters/wire/cim/codec/payload.h"
#include "adapters/wire/cim/codec/stamp.h"

namespace ami::cim {
namespace {

// Whether an Error's ID is a meter's. Senders leave the type out.
bool names_a_meter(const ReplyError& error) {
  return !error.id.empty() && (error.object_type.empty() || error.object_type == "Meter" ||
                               error.object_type == "MeterAsset" || error.object_type == "EndDevice");
}

void read_reply(const Reply& reply, const ResultObservation& like, DecodedBatch& out) {
  ResultObservation all = like;
  all.measure = "Reply";
  all.word = out.text(reply.result);
  for (const ReplyError& error : reply.errors) {
    if (names_a_meter(error)) continue;
    all.channel = out.text(error.code);
    all.fault = out.text(error.reason);
    break;
  }
  out.results.push_back(all);
  for (const ReplyError& error : reply.errors) {
    if (!names_a_meter(error)) continue;
    ResultObservation one = like;
    one.measure = "Error";
    one.meter = out.text(error.id);
    one.channel = out.text(error.level);
    one.word = out.text(error.code);
    one.fault = out.text(error.reason);
    out.results.push_back(one);
  }
}

}  // namespace

Result<Decoded> decode(std::string_view bytes, const Options& options) {
  const auto tree = xml::Tree::parse(bytes, options.limits);
  if (!tree) return tree.error();
  Decoded out;
  const auto envelope = open_envelope(tree->root(), out.message);
  if (!envelope) return envelope.error();
  auto frame = Frame::of(bytes, envelope->message, envelope->header);
  if (!frame) return frame.error();

  PayloadReader payload(options, *frame, out);
  payload.read(envelope->payload);
  const xml::Element outcome = envelope->soap_fault ? envelope->soap_fault : envelope->reply;
  if (outcome && *frame->exceeded() == '\0') {
    ResultObservation like;
    like.meter_kind = options.meter_kind;
    like.transaction = out.batch.text(out.message.header.correlation_id);
    const Stamp stamp = read_stamp(out.message.header.timestamp);
    if (stamp.state == StampState::Good) like.created = kept(stamp.time, *out.batch.arena);
    like.offset = outcome.begin();
    const std::string_view sent = whole(bytes, outcome);
    if (sent.size() <= kMaxRecordBytes) like.raw = out.batch.arena->adopt(frame->around({}, sent));
    if (out.message.reply) {
      read_reply(*out.message.reply, like, out.batch);
    } else {
      like.measure = "Fault";
      like.fault = out.batch.text(out.message.fault);
      out.batch.results.push_back(like);
    }
  }
  if (*frame->exceeded() != '\0') return permanent(frame->exceeded());
  return out;
}

}  // namespace ami::cim
