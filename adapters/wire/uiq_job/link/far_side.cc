#include "adapters/wire/uiq_job/link/far_side.h"

#include <utility>

#include "adapters/wire/http/setback.h"
#include "adapters/wire/uiq_job/link/job.h"

namespace ami::uiq_job {
namespace {

using Kind = Told::Kind;
using sdk::Setback;

Told told(Kind kind, Setback setback, std::string_view said) {
  Told out;
  out.kind = kind;
  out.setback = setback;
  out.words = words(said);
  return out;
}

Told read(const SiteTemplate& site, Operation operation, std::string body) {
  Told out;
  auto answer = decode_answer(site, operation, body);
  if (!answer) {
    out = told(Kind::Unreadable, Setback::Unreadable, answer.error().message);
  } else if (answer->fault) {
    out = told(Kind::Faulted, answer->refused ? Setback::Refused : Setback::BrokeOff, *answer->fault);
  } else {
    out.kind = Kind::Answered;
    out.rows = std::move(answer->rows);
  }
  out.message = std::move(body);
  return out;
}

http::Call call_of(const SiteTemplate& site, const Call& written, Sending how) {
  http::Call call;
  call.target = written.path;
  call.body = written.body;
  if (site.soap12()) {
    const std::string action = written.soap_action.empty() ? "" : "; action=\"" + written.soap_action + "\"";
    call.headers.add("Content-Type", "application/soap+xml; charset=utf-8" + action);
  } else {
    call.headers.add("Content-Type", "text/xml; charset=utf-8");
    call.headers.add("SOAPAction", "\"" + written.soap_action + "\"");
  }
  call.before_send = std::move(how.before_send);
  call.safe_to_repeat = how.safe_to_repeat;
  call.fresh_connection = how.fresh_connection;
  return call;
}

}  // namespace

Told told_by(const SiteTemplate& site, Operation operation, http::Answer answer) {
  if (answer.ok()) return read(site, operation, std::move(answer.reply->body));
  const http::Failure& failure = *answer.failure;
  const std::string& text = failure.error.message;
  const Setback setback = http::setback_of(failure);
  if (failure.kind == http::FailureKind::NotSent) return told(Kind::Unsent, setback, text);
  if (!failure.sent &&
      (failure.kind == http::FailureKind::Stopped || failure.kind == http::FailureKind::Cancelled))
    return told(Kind::Unsent, setback, text);
  if (failure.error.fault == Fault::Transient) {
    // All connections in use: nothing left, as when it is not to be reached.
    Told out = told(Kind::NotTaken, failure.sent ? setback : Setback::Unreachable, text);
    out.retry_after = failure.retry_after;
    return out;
  }
  // SOAP 1.1 faults come with 500, those of 1.2 with 400 or 500. Nothing else that comes with these says more
  // than its status.
  if (answer.reply && (answer.reply->status == 500 || answer.reply->status == 400)) {
    Told fault = read(site, operation, std::move(answer.reply->body));
    if (fault.kind == Kind::Faulted) return fault;
  }
  const bool refused = failure.error.fault == Fault::Permanent;
  return told(refused ? Kind::Refused : Kind::Lost, refused ? Setback::Refused : setback, text);
}

sdk::Awaitable<Told> FarSide::ask(Operation operation, Values values, Sending how) {
  const Result<Call> written = encode_call(*site_, operation, values);
  if (!written) co_return told(Kind::Refused, Setback::Refused, written.error().message);
  http::Call call = call_of(*site_, *written, std::move(how));
  auto sending = client_.send(std::move(call));
  http::Answer answer = co_await std::move(sending);
  co_return told_by(*site_, operation, std::move(answer));
}

}  // namespace ami::uiq_job
