// The settings of a CIM feed: schema, and what is made of them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "adapters/sdk/command.h"
#include "adapters/sdk/settings.h"
#include "adapters/wire/cim/codec/cim.h"
#include "adapters/wire/cim/link/answers.h"
#include "adapters/wire/cim/link/profile.h"
#include "adapters/wire/cim/link/reply_server.h"
#include "adapters/wire/cim/link/requests.h"
#include "adapters/wire/http/client.h"

namespace ami::cim {

// Of the messages: meaning, message, head_end, callback, commands. Of files: the drop folder's and meaning.
sdk::SettingsSchema message_schema(const Profile& profile);
sdk::SettingsSchema file_schema(const Profile& profile);

// What is asked of every message and file, without I/O. Any thread.
Options file_options(const sdk::Settings& settings, const Profile& profile);
Options message_options(const sdk::Settings& settings);
AnswerRules answer_rules(const sdk::Settings& settings);  // of messages; files have none
sdk::CommandLimits command_limits(const sdk::Settings& settings);

// Everything of a feed of messages. Reads password files and certificates (blocks).
struct LinkConfig {
  Options options;
  AnswerRules rules;
  RequestSettings requests;
  std::optional<http::ClientSettings> head_end;
  std::string read_path, control_path;  // empty = that of the URL
  std::optional<ReplyServerSettings> callback;
  sdk::Capabilities can;
};
// What of the profile's capabilities a feed has with its sections and evidence.
sdk::Capabilities capabilities_of(const sdk::Settings& settings, const Profile& profile);
// The same if every section were there and evidence given.
sdk::Capabilities most_capabilities(const Profile& profile);
// Permanent: what is wrong, with file and line, without secrets.
Result<LinkConfig> link_config(const sdk::Settings& settings, const Profile& profile);

}  // namespace ami::cim
