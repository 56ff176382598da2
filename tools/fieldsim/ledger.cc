#include "tools/fieldsim/ledger.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "tools/fieldsim/json_text.h"

namespace ami::fieldsim {
namespace {

constexpr std::size_t kBufferedBytes = 1 << 20;

std::string_view word(Delivered delivery) {
  switch (delivery) {
    case Delivered::Sent:
      return "sent";
    case Delivered::Lost:
      return "lost";
    case Delivered::Unsure:
      break;
  }
  return "unsure";
}

struct CloseFile {
  void operator()(std::FILE* file) const { (void)std::fclose(file); }
};

}  // namespace

struct Ledger::State {
  std::unique_ptr<std::FILE, CloseFile> file;  // null: nothing is written
  Wall wall;
  std::string buffered, problem, path;
  std::uint64_t lines = 0;

  void end_line(JsonLine& line) {
    line.put("wall", to_text(wall()));
    put(line.text());
  }
  void put(std::string_view text) {
    ++lines;
    if (!file) return;
    buffered += text;
    buffered += "}\n";
    if (buffered.size() >= kBufferedBytes) write_out();
  }
  void write_out() {
    if (!file || buffered.empty()) return;
    const bool good = std::fwrite(buffered.data(), 1, buffered.size(), file.get()) == buffered.size() &&
                      std::fflush(file.get()) == 0;
    if (!good && problem.empty()) problem = "ledger \"" + path + "\": " + std::strerror(errno);
    buffered.clear();
  }
};

Ledger::Ledger(std::unique_ptr<State> state) : state_(std::move(state)) {}
Ledger::Ledger(Ledger&&) noexcept = default;
Ledger& Ledger::operator=(Ledger&&) noexcept = default;
Ledger::~Ledger() {
  if (state_) state_->write_out();
}

Result<Ledger> Ledger::open(const std::string& path, Wall wall) {
  auto state = std::make_unique<State>();
  state->wall = std::move(wall);
  state->path = path;
  if (!path.empty()) {
    state->file.reset(std::fopen(path.c_str(), "wb"));
    if (!state->file) return permanent("ledger \"" + path + "\" cannot be written: " + std::strerror(errno));
  }
  return Ledger(std::move(state));
}

void Ledger::run(std::string_view scenario, std::uint64_t seed, UtcInstant start, double time_factor) {
  JsonLine line("run");
  line.put_number("version", 1).put("scenario", scenario).put_number("seed", seed);
  line.put("start", to_text(start)).put_number("time_factor", time_factor);
  state_->end_line(line);
}

void Ledger::network(std::string_view network, std::string_view family, std::size_t meters) {
  JsonLine line("network");
  line.put("network", network).put("family", family).put_number("meters", std::uint64_t{meters});
  state_->put(line.text());
}

void Ledger::write(const Content& content, const Sending& sending) {
  if (content.empty()) return;
  JsonLine tail;
  tail.put("delivery", word(sending.delivery)).put_number("copies", std::uint64_t{sending.copies});
  tail.put("via", sending.via).put("message", sending.name).put("sent", to_text(sending.sent));
  if (sending.due) tail.put("due", to_text(*sending.due));
  tail.put("wall", to_text(state_->wall()));
  std::size_t begin = 0;
  for (const std::size_t end : content.ends_) {
    const std::string_view line = std::string_view(content.lines_).substr(begin, end - begin);
    begin = end;
    ++state_->lines;
    if (!state_->file) continue;
    state_->buffered += line;
    state_->buffered += tail.text();
    state_->buffered += "}\n";
  }
  if (state_->buffered.size() >= kBufferedBytes) state_->write_out();
}

void Ledger::command(const CommandStep& step) {
  JsonLine line("command");
  line.put("network", step.network).put("meter", step.meter).put("step", step.step);
  line.put("command", step.command).put("transaction", step.transaction).put("by", step.by);
  if (!step.result.empty()) line.put("result", step.result);
  if (!step.state.empty()) line.put("state", step.state);
  line.put("at", to_text(step.at));
  state_->end_line(line);
}

void Ledger::exchange(const Exchange& exchange) {
  JsonLine line("action");
  line.put("network", exchange.network).put("action", "exchange");
  line.put("meter", exchange.removed).put("other", exchange.installed);
  line.put("usage_point", exchange.usage_point).put("at", to_text(exchange.at));
  line.put("end_kwh", exchange.end_kwh.to_string()).put("start_kwh", exchange.start_kwh.to_string());
  state_->end_line(line);
}

void Ledger::flush() {
  state_->write_out();
}

Outcome Ledger::end() {
  JsonLine line("end");
  line.put_number("lines", state_->lines);
  state_->end_line(line);
  state_->write_out();
  if (state_->file && std::fclose(state_->file.release()) != 0 && state_->problem.empty())
    state_->problem = "ledger \"" + state_->path + "\": " + std::strerror(errno);
  if (!state_->problem.empty()) return transient(state_->problem);
  return ami::Done{};
}

UtcInstant Ledger::wall() const {
  return state_->wall();
}
std::uint64_t Ledger::lines() const {
  return state_->lines;
}
const std::string& Ledger::problem() const {
  return state_->problem;
}

}  // namespace ami::fieldsim
