#include "adapters/wire/multispeak/link/head_end.h"

#include <openssl/evp.h>

#include <utility>

namespace ami::multispeak {
namespace {

using http::FailureKind;

std::string sha256_of(std::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest, &length, EVP_sha256(), nullptr) != 1)
    throw std::runtime_error("SHA-256 is not to be had");
  std::string hex;
  for (unsigned i = 0; i < length; ++i) {
    constexpr char kDigits[] = "0123456789abcdef";
    hex += {kDigits[digest[i] >> 4U], kDigits[digest[i] & 15U]};
  }
  return hex;
}

// What is read off the strand.
struct Reading {
  std::string body;
  Heard heard;
};

void read_body(Reading& reading, Operation asked, const Options& options, bool keep) {
  auto response = decode_response(reading.body, asked, options);
  if (!response) {
    reading.heard.unreadable = response.error().message;
    return;
  }
  if (keep && !response->fault) {
    const auto tree = xml::Tree::parse(reading.body, options.limits);
    if (!tree) {
      reading.heard.unreadable = tree.error().message;
      return;
    }
    reading.heard.kept = std::make_shared<const std::string>(without_header(reading.body, *tree));
    reading.heard.sha256 = sha256_of(*reading.heard.kept);
  }
  reading.heard.response.emplace(std::move(response.value()));
}

}  // namespace

std::string Heard::trouble() const {
  if (failure) return failure->error.message;
  if (!unreadable.empty()) return "its answer cannot be read: " + unreadable;
  if (is_fault()) {
    const SoapFault& fault = *response->fault;
    return "it answered with a fault: " + fault.reason +
           (fault.detail.empty() ? "" : " (" + fault.detail + ")");
  }
  return {};
}

HeadEnd::HeadEnd(Role role, http::ClientSettings url, const LinkConfig& config, sdk::Services services)
    : role_(role),
      peer_(url.url.peer()),
      rules_(config.rules),
      options_(config.options),
      header_(config.header),
      services_(services),
      client_(std::move(url), services) {}

void HeadEnd::hide(std::string& text) const {
  const std::string_view secret = header_.password.reveal();
  if (secret.empty()) return;
  constexpr std::string_view kHidden = "***";
  // Behind what was put there: a password of asterisks is in it.
  for (std::size_t at = text.find(secret); at != std::string::npos;
       at = text.find(secret, at + kHidden.size()))
    text.replace(at, secret.size(), kHidden);
}

sdk::Awaitable<Heard> HeadEnd::ask(Request request, Manner manner) {
  Heard heard;
  Sender sender{rules_.version, rules_.soap, header_};
  sender.header.time_stamp = to_text(services_.clock.now());
  sender.header.message_id = request.transaction;
  auto body = encode_request(request, sender, rules_.expiry_unit);
  if (!body) {
    heard.failure = http::Failure{FailureKind::BadCall, body.error(), false};
    co_return heard;
  }
  http::Call call;
  call.headers.set("Content-Type", content_type(request.operation, rules_.version, rules_.soap));
  if (rules_.soap == Soap::V11)
    call.headers.set("SOAPAction", soap_action(request.operation, rules_.version));
  call.body = std::move(body.value());
  call.safe_to_repeat = manner.repeatable;
  call.fresh_connection = manner.fresh_connection;
  call.before_send = std::move(manner.before_send);
  auto sending = client_.send(std::move(call));
  http::Answer answer = co_await std::move(sending);
  watch_breaker();
  auto reading = read(std::move(answer), request.operation, manner.keep);
  heard = co_await std::move(reading);
  co_return heard;
}

sdk::Awaitable<Heard> HeadEnd::read(http::Answer answer, Operation asked, bool keep) {
  const auto reading = std::make_shared<Reading>();
  reading->heard.received_at = services_.clock.now();
  if (answer.reply && !answer.reply->body.empty()) {
    reading->body = std::move(answer.reply->body);
    Options options = options_;
    options.received_at = reading->heard.received_at;
    const std::function<void()> work = [reading, asked, options, keep] {
      try {
        read_body(*reading, asked, options, keep);
      } catch (const std::bad_alloc&) {
        throw;
      } catch (const std::exception& defect) {
        reading->heard.response.reset();
        reading->heard.unreadable = std::string("defect while reading it: ") + defect.what();
      }
    };
    co_await services_.offload.run(work);
  } else if (answer.ok()) {
    reading->heard.unreadable = "it is empty";
  }
  Heard heard = std::move(reading->heard);
  // A SOAP fault comes with status 500, of the sender also with 400; any other body of a failure is a web
  // page, and an answer without a fault under a failure's status contradicts itself.
  if (answer.failure) {
    if (!heard.is_fault()) {
      heard.response.reset();
      heard.unreadable.clear();
      heard.failure = std::move(answer.failure);
      hide(heard.failure->error.message);
    }
  }
  hide(heard.unreadable);
  if (heard.response) {
    last_answer_ = heard.received_at.time_since_epoch().count();
    if (heard.is_fault()) {
      hide(heard.response->fault->reason);
      hide(heard.response->fault->detail);
    }
    for (Rejection& rejection : heard.response->content.rejections) {
      hide(rejection.error);
      hide(rejection.text);
    }
  }
  co_return heard;
}

void HeadEnd::watch_breaker() {
  const http::BreakerMetrics breaker = client_.metrics().breaker;
  if (breaker.state != http::BreakerState::Closed || breaker.opened == opened_) return;
  opened_ = breaker.opened;
  if (recovered_) recovered_();
}

}  // namespace ami::multispeak
