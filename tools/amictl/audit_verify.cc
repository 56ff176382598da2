// amictl audit verify: computes every hash anew and compares with the signed heads.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include <grpcpp/grpcpp.h>
#include "ami/v1/audit_service.grpc.pb.h"

#include "tools/amictl/audit_check.h"
#include "tools/amictl/connection.h"
#include "tools/amictl/options.h"
#include "tools/amictl/table.h"

namespace ami::amictl {
namespace {

using v1::AuditService;
using Clock = std::chrono::steady_clock;

struct VerifyOptions {
  std::vector<std::string> heads;
  std::string public_key;
  std::int64_t from = 1;
  int patience_s = 60;
};

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in || std::filesystem::is_directory(path)) throw UsageError{"cannot read " + path};
  return {std::istreambuf_iterator<char>(in), {}};
}

UtcInstant instant_of(const google::protobuf::Timestamp& time) {
  return UtcInstant{std::chrono::seconds{time.seconds()} + std::chrono::microseconds{time.nanos() / 1000}};
}

struct HeadsRead {
  std::vector<GivenHead> good;  // with a good signature
  std::vector<AuditFinding> bad;
};

// Heads whose signature is not good prove nothing and are not looked at any further.
HeadsRead read_heads(const VerifyOptions& given) {
  HeadsRead out;
  if (given.heads.empty()) return out;
  if (given.public_key.empty()) throw UsageError{"--head needs --public-key: a head that nobody signed proves nothing"};
  const std::string key = read_file(given.public_key);
  for (const std::string& path : given.heads) {
    const std::string file = std::filesystem::path(path).filename().string();
    GivenHead head{file, read_file(path), {}};
    if (const auto signature = audit::check_signature(head.text, key); !signature) {
      if (signature.error().message.find("public key") != std::string::npos)
        throw UsageError{given.public_key + " " + signature.error().message};
      out.bad.push_back({0, "HEAD", file + " " + signature.error().message});
      continue;
    }
    const auto said = audit::parse_head(head.text);
    if (!said) {
      out.bad.push_back({0, "HEAD", file + " " + said.error().message});
      continue;
    }
    head.head = *said;
    out.good.push_back(std::move(head));
  }
  // Of heads that name each other, the later one knows the bytes of the earlier.
  for (const GivenHead& later : out.good) {
    for (const GivenHead& earlier : out.good) {
      if (later.head.previous != earlier.file || !later.head.previous_sha256) continue;
      if (audit::Sha256().of(earlier.text) != *later.head.previous_sha256)
        out.bad.push_back({later.head.position, "HEAD", later.file + " follows another " + earlier.file + " than this one"});
    }
  }
  return out;
}

class Progress {
 public:
  void show(std::int64_t lines, std::int64_t position) {
    const auto now = Clock::now();
    if (now - last_ < std::chrono::seconds{2}) return;
    last_ = now;
    std::cerr << "amictl: " << lines << " lines checked, position " << position << '\n';
  }

 private:
  Clock::time_point last_ = Clock::now();
};

void print_json(const AuditCheck& check, const v1::AuditStatus& status, const HeadsRead& heads, double seconds) {
  for (const AuditFinding& finding : check.findings()) {
    std::cout << boost::json::serialize(boost::json::object{
                     {"finding", finding.kind}, {"position", finding.position}, {"words", finding.words}})
              << '\n';
  }
  boost::json::object out{{"lines", check.lines()},
                          {"position", check.last_position()},
                          {"findings", check.finding_count()},
                          {"heads_good", heads.good.size()},
                          {"heads_met", check.heads_met()},
                          {"unsealed", check.unsealed_count()},
                          {"seconds", seconds}};
  if (check.oldest_unsealed()) {
    const auto age = instant_of(status.time()) - *check.oldest_unsealed();
    out["oldest_unsealed_s"] = static_cast<double>(age.count()) / 1e6;
  }
  std::cout << boost::json::serialize(out) << '\n';
}

void print_words(const AuditCheck& check, const VerifyOptions& given, const v1::AuditStatus& status,
                 const HeadsRead& heads) {
  for (const AuditFinding& finding : check.findings()) {
    std::cout << (finding.position > 0 ? "position " + std::to_string(finding.position) + ": " : "") << finding.kind
              << ": " << harmless(finding.words) << '\n';
  }
  if (check.finding_count() > check.findings().size())
    std::cout << "and " << check.finding_count() - check.findings().size() << " more findings\n";
  std::cout << check.lines() << " lines checked, positions " << given.from << " to " << check.last_position();
  if (check.finding_count() == 0) {
    std::cout << ": every line is what was sealed, and the chain is whole\n";
  } else {
    std::cout << ": " << check.finding_count() << " findings\n";
  }
  for (const GivenHead& head : heads.good) {
    std::cout << "signed head " << harmless(head.file) << " of " << ami::to_text(head.head.at) << ": signature good, position "
              << head.head.position << '\n';
    if (std::to_string(head.head.cluster) != status.cluster())
      std::cout << "  it was signed for another cluster: this database is a restored copy, or another one\n";
  }
  if (given.heads.empty()) {
    std::cout << "no signed head was given: that lines were cut off at the end, or that the whole chain was made anew, "
                 "cannot be seen. Give --head and --public-key\n";
  } else if (heads.good.empty() || check.heads_met() == 0) {
    std::cout << "no signed head fits: nothing is proved about what was cut off at the end\n";
  } else {
    std::cout << "up to the newest signed head nothing was cut off; what came after it has no proof of that yet\n";
  }
  if (given.from > 1) std::cout << "what stands before position " << given.from << " was not checked\n";
  std::cout << check.unsealed_count() << " lines are not sealed yet";
  if (check.oldest_unsealed()) {
    const auto age = std::chrono::duration_cast<std::chrono::milliseconds>(instant_of(status.time()) - *check.oldest_unsealed());
    std::cout << ", the oldest for " << age.count() / 1000 << "." << std::abs(age.count() % 1000) / 100 << " s";
  }
  std::cout << '\n';
}

int verify(const Options& options, const VerifyOptions& given) {
  const HeadsRead heads = read_heads(given);
  AuditCheck check(given.from - 1, heads.good);
  for (const AuditFinding& finding : heads.bad) check.add(finding.position, finding.kind, finding.words);

  const auto begin = Clock::now();
  const auto stub = AuditService::NewStub(connect(options));
  grpc::ClientContext context;
  v1::StreamAuditRequest request;
  request.set_after_position(given.from - 1);
  const auto stream = stub->StreamAudit(&context, request);
  v1::StreamAuditResponse message;
  v1::AuditStatus status;
  bool ended = false;
  Progress progress;
  while (stream->Read(&message)) {
    for (const v1::AuditLine& line : message.lines()) {
      if (line.position() == 0) {
        check.unsealed(line.audit_id(), line.canonical());
      } else {
        check.take({line.position(), line.audit_id(), line.format(), line.canonical(), line.row_sha256(),
                    line.chain_sha256(), instant_of(line.seal_time())});
      }
    }
    if (message.has_end()) {
      status = message.end();
      ended = true;
    }
    progress.show(check.lines(), check.last_position());
  }
  if (const grpc::Status end = stream->Finish(); !end.ok()) return complain(end, options);
  if (!ended) {
    std::cerr << "amictl: the gateway ended the stream before the end of the audit\n";
    return kRefused;
  }
  check.end(instant_of(status.time()), std::chrono::seconds{given.patience_s});
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  if (options.json) {
    print_json(check, status, heads, seconds);
  } else {
    print_words(check, given, status, heads);
  }
  return check.finding_count() == 0 ? kDone : kRefused;
}

}  // namespace

void add_audit_verify(CLI::App& audit, const Options& options, Run& run) {
  auto given = std::make_shared<VerifyOptions>();
  CLI::App* command = audit.add_subcommand(
      "verify", "checks the audit of the service switch: edited, deleted, moved and cut-off lines; exit 1 when any is found");
  command->add_option("--head", given->heads, "signed heads, as the gateway wrote them (any number)");
  command->add_option("--public-key", given->public_key, "Ed25519 public key of the heads (PEM)");
  command->add_option("--from", given->from, "begin at this position")->default_val(1)->check(CLI::PositiveNumber);
  command->add_option("--patience", given->patience_s, "seconds that a line may wait to be sealed")
      ->default_val(60)
      ->check(CLI::NonNegativeNumber);
  command->callback([&options, &run, given] { run = [&options, given] { return verify(options, *given); }; });
}

}  // namespace ami::amictl
