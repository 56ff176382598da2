// A job that the head-end has taken, as it is remembered across restarts.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "adapters/sdk/command.h"

namespace ami::uiq_job {

struct Job {
  std::string id;           // the head-end's
  std::string transaction;  // ours, and the job's name in its books
  sdk::CommandKind kind = sdk::CommandKind::Read;
  std::string meter;  // as the engine named it
  std::string mac;    // of its module
  UtcInstant expires_at{};
  // The request to begin it may have left. One that switches is not asked to begin again.
  bool activated = false;
};

// 1 to 200 bytes without control characters: what may stand in a Job.
bool is_plain(std::string_view text);

// The MAC ids of one module, whatever separators and letters they are written with: "00:13:50" and "001350".
bool same_mac(std::string_view a, std::string_view b);

// Of a job whose texts are all plain.
std::string to_text(const Job& job);
std::optional<Job> parse_job(std::string_view text);

// Opens, closes, arms, or asks where the switch stands.
bool is_switch(sdk::CommandKind kind);

// A far side's words for people: at most 300 bytes, nothing unprintable but letters beyond ASCII.
std::string words(std::string_view text);

}  // namespace ami::uiq_job
