#include "tests/adapters/wire/multispeak/link/callback_scene.h"

#include "tests/adapters/wire/multispeak/messages.h"

namespace ami::multispeak::testing {

HttpAnswer parse_answer(const std::string& bytes) {
  HttpAnswer answer;
  if (!bytes.starts_with("HTTP/1.1 ")) return answer;
  answer.status = std::stoi(bytes.substr(9, 3));
  const auto end = bytes.find("\r\n\r\n");
  answer.head = bytes.substr(0, end);
  if (end != std::string::npos) answer.body = bytes.substr(end + 4);
  return answer;
}

std::string http_post(const std::string& body, const std::string& type, const std::string& path) {
  return "POST " + path + " HTTP/1.1\r\nHost: gateway\r\nContent-Type: " + type +
         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

CallbackScene::~CallbackScene() {
  host.journal.release();
  if (callbacks_) drive_void(callbacks_->stop());
}

CallbackSettings CallbackScene::plain() {
  CallbackSettings settings;
  settings.server.listen = {{"127.0.0.1", 0}};
  settings.company = "Example Hydro";
  return settings;
}

CallbackServer& CallbackScene::open(CallbackSettings settings) {
  callbacks_ = std::make_unique<CallbackServer>(std::move(settings), host.services());
  const Outcome started = drive(callbacks_->start());
  if (!started) throw std::runtime_error(started.error().message);
  return *callbacks_;
}

std::string CallbackScene::exchange(std::string bytes) {
  auto work = [](CallbackScene& scene, std::string what) -> sdk::Awaitable<std::string> {
    http::RawConnection connection(scene.host.io);
    co_await connection.open(scene.at());
    co_await connection.send(std::move(what));
    connection.end_sending();
    co_return co_await connection.rest();
  };
  return drive(work(*this, std::move(bytes)));
}

HttpAnswer CallbackScene::post(const std::string& body, const std::string& type) {
  return parse_answer(exchange(http_post(body, type)));
}

void CallbackScene::expect_taking() {
  const auto before = host.journal.entries.size();
  const std::string meter = "FRESH" + std::to_string(++fresh_);
  const HttpAnswer answer =
      post(soap(operation("ReadingChangedNotification",
                          "<changedMeterReads><meterRead><meterNo>" + meter +
                              "</meterNo><readingDate>2026-01-15T12:00:00Z</readingDate><posKWh>1</posKWh>"
                              "</meterRead></changedMeterReads>")));
  EXPECT_EQ(answer.status, 200) << answer.head << answer.body;
  ASSERT_EQ(host.journal.entries.size(), before + 1);
  EXPECT_EQ(keys().back(), "meter:" + meter);
}

std::vector<std::string> CallbackScene::keys() const {
  std::vector<std::string> keys;
  for (const auto& [id, entry] : host.journal.entries) keys.push_back(entry.key);
  return keys;
}

std::vector<std::string> CallbackScene::messages() const {
  std::vector<std::string> messages;
  for (const auto& [id, entry] : host.journal.entries) messages.push_back(entry.message);
  return messages;
}

}  // namespace ami::multispeak::testing
