// amictl decode: what is in a vendor's file, without a gateway.
#include <yaml-cpp/yaml.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <sstream>
#include <string_view>

#include "adapters/wire/cim/codec/cim.h"
#include "adapters/wire/cmep/codec/cmep.h"
#include "adapters/wire/delimited/codec/delimited.h"
#include "adapters/wire/lg_delimited/codec/lg_delimited.h"
#include "adapters/wire/multispeak/codec/multispeak.h"
#include "adapters/wire/ssn_export/codec/ssn_export.h"
#include "meter_model/normaliser/mapping_yaml.h"
#include "tools/amictl/config_dir.h"
#include "tools/amictl/connection.h"
#include "tools/amictl/decode_delimited.h"
#include "tools/amictl/decode_json.h"
#include "tools/amictl/options.h"

namespace ami::amictl {
namespace {

namespace fs = std::filesystem;

struct DecodeOptions {
  std::string wire, config;
  std::vector<std::string> files;
  bool hex = false;
};

struct Feed {
  DecodeRules rules;
  std::string meter_field;
  std::string file;  // empty = none was given
};

// One format of files.
struct Wire {
  std::string_view name;
  std::string_view shipped_map;
  std::string_view meter_key;                  // of a feed file: which field names the meter; empty = no choice
  std::array<std::string_view, 4> meter_words;  // what it may say; empty ones say nothing
  std::size_t (*decode)(std::istream& in, const Feed& feed);  // prints; returns the number of error lines
};
const Wire& wire_called(std::string_view name);

std::string all_of(std::istream& in) {
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string file_text(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in || fs::is_directory(path)) throw UsageError{"cannot read " + path.string()};
  return all_of(in);
}

std::string at_line(const std::string& file, const YAML::Node& node) {
  return file + ":" + std::to_string(node.Mark().line + 1) + ": ";
}

Mapping mapping_from(const std::string& yaml, const std::string& name) {
  auto mapping = parse_mapping(yaml, name);
  if (!mapping) throw UsageError{mapping.error().message};
  return std::move(mapping).value();
}

// `assume` of a feed: a list of {assumed: why, mapping: rules}.
Mapping assumptions(const YAML::Node& list, const std::string& file) {
  Mapping all;
  if (!list || list.IsNull()) return all;
  if (!list.IsSequence()) throw UsageError{at_line(file, list) + "assume must be a list"};
  for (const YAML::Node& entry : list) {
    if (!entry.IsMap() || !entry["mapping"]) {
      throw UsageError{at_line(file, entry) + "an assumption needs 'assumed' and 'mapping'"};
    }
    const YAML::Node rules = entry["mapping"];
    YAML::Emitter emitter;
    emitter << rules;
    // As many line breaks as stand before it in the file, so that a problem names the file's line.
    const std::string above(static_cast<std::size_t>(rules.Mark().line), '\n');
    all = overlay(std::move(all), mapping_from(above + emitter.c_str(), file));
  }
  return all;
}

// Which field names the meter; empty = the codec's default.
std::string meter_field(const YAML::Node& root, const DecodeOptions& given) {
  const Wire& wire = wire_called(given.wire);
  if (wire.meter_key.empty()) return {};
  const YAML::Node node = root[std::string(wire.meter_key)];
  if (!node || node.IsNull()) return {};
  const auto& known = wire.meter_words;
  if (!node.IsScalar() || node.Scalar().empty() ||
      std::find(known.begin(), known.end(), node.Scalar()) == known.end()) {
    std::string message = at_line(given.config, node) + "the meter's field is none of";
    for (const std::string_view name : known) {
      if (!name.empty()) message.append(" ").append(name);
    }
    throw UsageError{message};
  }
  return node.Scalar();
}

// Mapping, zone and meter field of a feed's own file, or the shipped mapping of the wire.
Feed load_feed(const DecodeOptions& given) {
  Feed feed;
  const std::string shipped(wire_called(given.wire).shipped_map);
  if (given.config.empty()) {
    feed.rules.mapping = mapping_from(file_text(config_dir("maps") / shipped), shipped);
    feed.rules.zone = Zone::utc();  // CMEP's text says UTC; others mostly carry an offset
    return feed;
  }
  YAML::Node root;
  try {
    root = YAML::Load(file_text(given.config));
  } catch (const YAML::Exception& error) {
    throw UsageError{given.config + ":" + std::to_string(error.mark.line + 1) + ": " + error.msg};
  }
  if (!root.IsMap()) throw UsageError{given.config + ":1: a feed file is a mapping of keys to values"};
  const auto text = [&](const char* key, const std::string& otherwise) {
    return root[key] && root[key].IsScalar() ? root[key].as<std::string>() : otherwise;
  };
  const std::string name = text("mapping", shipped);
  const fs::path here = fs::path(given.config).parent_path();
  fs::path path = config_dir("maps") / name;
  for (const fs::path& candidate : {here / name, here / ".." / name}) {
    if (fs::exists(candidate)) {
      path = candidate;
      break;
    }
  }
  feed.rules.mapping = mapping_from(file_text(path), path.string());
  feed.rules.mapping = overlay(std::move(feed.rules.mapping), assumptions(root["assume"], given.config));
  if (const std::string zone_name = text("zone", ""); !zone_name.empty()) {
    auto zone = Zone::load(zone_name);
    if (!zone) throw UsageError{given.config + ": " + zone.error().message};
    feed.rules.zone = zone.value();
  }
  feed.meter_field = meter_field(root, given);
  feed.file = given.config;
  return feed;
}

struct HexText {
  std::string bytes;
  std::optional<std::size_t> bad_at;  // offset of what is no pair of hex digits
};

HexText unhex(const std::string& text) {
  HexText hex;
  int high = -1;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (std::isspace(static_cast<unsigned char>(c)) != 0) continue;
    const char lower = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    const int digit = lower >= '0' && lower <= '9'   ? lower - '0'
                      : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10
                                                     : -1;
    if (digit < 0) {
      hex.bad_at = i;
      return hex;
    }
    if (high < 0) {
      high = digit;
    } else {
      hex.bytes += static_cast<char>(high << 4 | digit);
      high = -1;
    }
  }
  if (high >= 0) hex.bad_at = text.size();
  return hex;
}

void print_fatal(std::uint64_t offset, const std::string& message, const char* reason) {
  DecodedBatch batch;
  batch.malformed.push_back({offset, {}, {}, reason, message});
  print_json_lines(batch, {}, std::cout);
}

std::size_t decode_cmep(std::istream& in, const Feed& feed) {
  cmep::Options options;
  if (feed.meter_field == "field4") options.meter_field = cmep::MeterField::Field4;
  if (feed.meter_field == "field5") options.meter_field = cmep::MeterField::Field5;
  if (feed.meter_field == "field6") options.meter_field = cmep::MeterField::Field6;
  cmep::Decoder decoder(options);
  std::size_t errors = 0;
  std::uint64_t offset = 0;
  std::string rest;
  for (bool last = false; !last;) {
    auto chunk = std::make_shared<std::string>(std::move(rest));
    const std::size_t kept = chunk->size();
    chunk->resize(kept + (std::size_t{1} << 20));
    in.read(chunk->data() + kept, std::streamsize{1} << 20);
    chunk->resize(kept + static_cast<std::size_t>(in.gcount()));
    last = in.eof() || !in;
    DecodedBatch batch;
    const std::size_t used = decoder.decode(batch.arena->share(chunk), offset, last, batch);
    errors += print_json_lines(batch, feed.rules, std::cout);
    rest = chunk->substr(used);
    offset += used;
  }
  return errors;
}

std::size_t decode_ssn(std::istream& in, const Feed& feed) {
  ssn_export::Options options;
  if (feed.meter_field == "UtilDeviceID") options.meter_field = ssn_export::MeterField::UtilDeviceId;
  if (feed.meter_field == "MacID") options.meter_field = ssn_export::MeterField::MacId;
  ssn_export::Decoder decoder(options);
  std::size_t errors = 0;
  std::string chunk(std::size_t{1} << 20, '\0');
  for (bool last = false; !last;) {
    in.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
    last = in.eof() || !in;
    DecodedBatch batch;
    const Outcome fed = decoder.feed({chunk.data(), static_cast<std::size_t>(in.gcount())}, last, batch);
    errors += print_json_lines(batch, feed.rules, std::cout);
    if (!fed) {
      print_fatal(decoder.safe_offset(), fed.error().message, decoder.fatal_reason());
      return errors + 1;
    }
  }
  return errors;
}

template <class Decoder>
std::size_t decode_lines(std::istream& in, const Feed& feed, Decoder decoder) {
  std::size_t errors = 0;
  std::string chunk(std::size_t{1} << 20, '\0');
  for (bool last = false; !last;) {
    in.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
    last = in.eof() || !in;
    DecodedBatch batch;  // tells what ended the file as a malformed record, too
    const Outcome fed = decoder.feed({chunk.data(), static_cast<std::size_t>(in.gcount())}, last, batch);
    errors += print_json_lines(batch, feed.rules, std::cout);
    if (!fed) break;
  }
  return errors;
}

std::size_t decode_lg_delimited(std::istream& in, const Feed& feed) {
  return decode_lines(in, feed, lg_delimited::Decoder{lg_delimited::Options{}});
}

std::size_t decode_delimited(std::istream& in, const Feed& feed) {
  return decode_lines(in, feed, delimited::Decoder{delimited_options(feed.file)});
}

// One SOAP message a file.
std::size_t decode_multispeak(std::istream& in, const Feed& feed) {
  multispeak::Options options;
  if (feed.meter_field == "DeviceID") options.meter_field = multispeak::MeterField::DeviceId;
  if (feed.meter_field == "ObjectID") options.meter_field = multispeak::MeterField::ObjectId;
  const auto message = multispeak::decode_notification(all_of(in), options);
  if (message) return print_json_lines(message->reports.batch, feed.rules, std::cout);
  const std::string& why = message.error().message;
  print_fatal(0, why, why.substr(0, why.find(':')).c_str());
  return 1;
}

// One message a file. Items of every namespace that is known are read.
std::size_t decode_cim(std::istream& in, const Feed& feed) {
  cim::Options options;
  options.landis_gyr = true;
  options.meter_is_mrid = feed.meter_field == "mRID";
  const auto decoded = cim::decode(all_of(in), options);
  if (!decoded) {
    const std::string& message = decoded.error().message;
    print_fatal(0, message, message.substr(0, message.find(':')).c_str());
    return 1;
  }
  return print_json_lines(decoded->batch, feed.rules, std::cout);
}

constexpr Wire kWires[] = {
    {"cmep", "maps/cmep.yaml", "meter_id_field", {"field4", "field5", "field6", "field8"}, decode_cmep},
    {"ssn-export", "maps/ssn.yaml", "meter_id", {"MeterName", "UtilDeviceID", "MacID", ""}, decode_ssn},
    {"multispeak", "maps/multispeak.yaml", "meter_id", {"MeterNo", "DeviceID", "ObjectID", ""}, decode_multispeak},
    {"lg-delimited", "maps/lg-delimited.yaml", "", {}, decode_lg_delimited},
    {"cim", "maps/cim.yaml", "meter_id", {"name", "mRID", "", ""}, decode_cim},
    {"delimited", "maps/delimited.yaml", "", {}, decode_delimited},
};

const Wire& wire_called(std::string_view name) {
  return *std::find_if(std::begin(kWires), std::end(kWires), [&](const Wire& w) { return w.name == name; });
}

std::vector<std::string> wire_names() {
  std::vector<std::string> names;
  for (const Wire& wire : kWires) names.emplace_back(wire.name);
  return names;
}

int decode(const DecodeOptions& given) {
  const Feed feed = load_feed(given);
  std::size_t errors = 0;
  for (const std::string& name : given.files) {
    std::unique_ptr<std::istream> in = std::make_unique<std::ifstream>(name, std::ios::binary);
    if (!*in || fs::is_directory(name)) {
      std::cerr << "amictl: cannot read " << name << '\n';
      ++errors;
      continue;
    }
    if (given.hex) {
      const HexText hex = unhex(all_of(*in));
      if (hex.bad_at) {
        print_fatal(*hex.bad_at, name + " does not hold pairs of hex digits", "not_hex");
        ++errors;
        continue;
      }
      in = std::make_unique<std::istringstream>(hex.bytes);
    }
    errors += wire_called(given.wire).decode(*in, feed);
  }
  std::cout.flush();
  return errors == 0 && std::cout ? kDone : kRefused;
}

}  // namespace

void add_decode(CLI::App& app, Run& run) {
  auto given = std::make_shared<DecodeOptions>();
  CLI::App* command =
      app.add_subcommand("decode", "what is in a vendor's file: one JSON object a line; needs no gateway");
  command->add_option("--wire", given->wire, "format of the files")
      ->required()
      ->check(CLI::IsMember(wire_names()));
  command->add_option("--config", given->config, "feed file whose mapping, zone and assumptions apply")
      ->check(CLI::ExistingFile);
  command->add_flag("--hex", given->hex, "the files hold hex digits");
  command->add_option("files", given->files, "files to read")->required();
  command->footer(
      "A malformed record prints an error object with its byte offset and reason, decoding goes on, and the "
      "exit code is 1.");
  command->callback([&run, given] { run = [given] { return decode(*given); }; });
}

}  // namespace ami::amictl
