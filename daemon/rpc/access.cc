#include "daemon/rpc/access.h"

#include <algorithm>
#include <array>
#include <utility>

#include "daemon/rpc/names.h"
#include "storage/postgres/operations.h"

namespace ami::rpc {
namespace {

constexpr Roles kSeesOperations = kReader | kAsset | kCommand | kDemandReset;
constexpr Roles kSeesSwitches = kReader | kSwitch;

constexpr auto kRules = std::to_array<MethodRule>({
    {"/ami.v1.AssetService/Resolve", kReader | kAsset},
    {"/ami.v1.AssetService/GetUsagePoint", kReader | kAsset},
    {"/ami.v1.AssetService/ListUsagePoints", kReader | kAsset},
    {"/ami.v1.AssetService/CreateUsagePoint", kAsset},
    {"/ami.v1.AssetService/UpdateUsagePoint", kAsset},
    {"/ami.v1.AssetService/GetMeter", kReader | kAsset},
    {"/ami.v1.AssetService/ListMeters", kReader | kAsset},
    {"/ami.v1.AssetService/CreateMeter", kAsset},
    {"/ami.v1.AssetService/UpdateMeter", kAsset},
    {"/ami.v1.AssetService/ImportMeters", kAsset},
    {"/ami.v1.AssetService/Install", kAsset},
    {"/ami.v1.AssetService/Remove", kAsset},
    {"/ami.v1.AssetService/Exchange", kAsset},
    {"/ami.v1.AssetService/SetVerification", kAsset},
    {"/ami.v1.AssetService/ListNonconforming", kReader | kAsset},
    {"/ami.v1.ReadingService/GetLatest", kReader},
    {"/ami.v1.ReadingService/ListRegisters", kReader},
    {"/ami.v1.ReadingService/StreamIntervals", kReader},
    {"/ami.v1.ReadingService/StreamChanges", kReader},
    {"/ami.v1.ReadingService/AckCursor", kReader},
    {"/ami.v1.ReadingService/ListChangeSubscribers", kReader},
    {"/ami.v1.ReadingService/ReconcileCounts", kReader},
    {"/ami.v1.ReadingService/GetReadAt", kReader},
    {"/ami.v1.ReadingService/ListBillingReads", kReader},
    {"/ami.v1.ReadingService/Explain", kReader},
    {"/ami.v1.EventService/List", kReader},
    {"/ami.v1.CollectionService/ListGaps", kReader | kAsset},
    {"/ami.v1.CollectionService/GetCompleteness", kReader | kAsset},
    {"/ami.v1.CollectionService/GiveUp", kAsset},
    {"/ami.v1.CollectionService/UndoGiveUp", kAsset},
    {"/ami.v1.CollectionService/RequestBackfill", kAsset},
    {"/ami.v1.CollectionService/GetClockHealth", kReader | kAsset},
    {"/ami.v1.CollectionService/ListFindings", kReader | kAsset},
    {"/ami.v1.CollectionService/Revalidate", kAsset},
    {"/ami.v1.IngestService/AdapterStatus", kReader | kAsset},
    {"/ami.v1.IngestService/ListSources", kReader | kAsset},
    {"/ami.v1.IngestService/ListQuarantine", kReader | kAsset},
    {"/ami.v1.IngestService/Replay", kAsset},
    {"/ami.v1.AdminService/ListAccess", kAudit},
    {"/ami.v1.AuditService/StreamAudit", kAudit},
    {"/ami.v1.AuditService/ListAudit", kAudit},
    {"/ami.v1.AuditService/GetAuditStatus", kAudit},
    {"/ami.v1.AdminService/SetLegalHold", kAdmin},
    {"/ami.v1.AdminService/LiftLegalHold", kAdmin},
    {"/ami.v1.AdminService/ListLegalHolds", kAudit | kAdmin},
    {"/ami.v1.AdminService/ListRetentionCertificates", kAudit | kAdmin},
    {"/ami.v1.AdminService/ListMaintenance", kAudit | kAdmin},
    {"/ami.v1.IngestService/GetRaw", kReader | kAsset},
    {"/ami.v1.IngestService/Reprocess", kAsset},
    {"/ami.v1.IngestService/GetReprocess", kAsset},
    {"/ami.v1.IngestService/ListReprocess", kAsset},
    {"/ami.v1.IngestService/CancelReprocess", kAsset},
    {"/ami.v1.CommandService/ReadNow", kCommand},
    {"/ami.v1.CommandService/BatchReadNow", kCommand},
    {"/ami.v1.CommandService/Ping", kCommand},
    {"/ami.v1.CommandService/PingBatch", kCommand},
    {"/ami.v1.CommandService/DemandReset", kDemandReset},
    {"/ami.v1.CommandService/GetOperation", kSeesOperations},
    {"/ami.v1.CommandService/ListOperations", kSeesOperations},
    {"/ami.v1.CommandService/ListTargets", kSeesOperations},
    {"/ami.v1.CommandService/WatchOperation", kSeesOperations},
    // Whoever may ask for something may take it back: the service looks at the kind, too.
    {"/ami.v1.CommandService/CancelOperation", kAsset | kCommand | kDemandReset},
    {"/ami.v1.HanService/ListHanDevices", kReader | kCommand},
    {"/ami.v1.HanService/AddHanDevice", kCommand},
    {"/ami.v1.HanService/SendHanText", kCommand},
    // It says whether the last digits of a serial are right: only to whoever could submit, too.
    {"/ami.v1.SwitchService/Evaluate", kSwitch},
    {"/ami.v1.SwitchService/Submit", kSwitch},
    {"/ami.v1.SwitchService/Cancel", kSwitch},
    {"/ami.v1.SwitchService/Get", kSeesSwitches},
    {"/ami.v1.SwitchService/List", kSeesSwitches},
    {"/ami.v1.SwitchService/Watch", kSeesSwitches},
    {"/ami.v1.SwitchService/ReadState", kSeesSwitches},
    {"/ami.v1.SwitchService/ResolveByObservation", kSwitch},
    {"/ami.v1.SwitchService/Reconcile", kSeesSwitches},
    {"/ami.v1.SwitchService/SetHold", kHoldAdmin},
    {"/ami.v1.SwitchService/LiftHold", kHoldAdmin},
    {"/ami.v1.SwitchService/ListHolds", kSeesSwitches | kHoldAdmin},
    {"/ami.v1.SwitchService/Stop", kSwitch | kHoldAdmin},
    {"/ami.v1.SwitchService/Resume", kSwitch | kHoldAdmin},
    {"/ami.v1.SwitchService/ListStops", kSeesSwitches | kHoldAdmin},
    {"/ami.v1.SwitchService/GetLimits", kSeesSwitches},
    {"/ami.v1.SwitchService/ListEmergencies", kSeesSwitches | kHoldAdmin},
    {"/ami.v1.SwitchService/ReviewEmergency", kSwitch | kHoldAdmin},
});

}  // namespace

std::span<const MethodRule> method_rules() {
  return kRules;
}

bool Caller::may_call(std::string_view method) const {
  const auto rule = std::ranges::find(kRules, method, &MethodRule::method);
  return rule != kRules.end() && (roles & rule->any_of) != 0;
}

bool Caller::may_see(std::string_view utility_key) const {
  return every_utility || utilities.contains(utility_key);
}

Caller caller_from_uris(std::string name, const std::vector<std::string>& uris) {
  constexpr std::string_view kUtility = "ami://utility/";
  Caller caller;
  caller.name = std::move(name);
  for (const std::string& uri : uris) {
    if (uri.starts_with("ami://")) caller.uris += (caller.uris.empty() ? "" : " ") + uri;
    if (uri == "ami://role/reader") {
      caller.roles |= kReader;
    } else if (uri == "ami://role/asset") {
      caller.roles |= kAsset;
    } else if (uri == "ami://role/audit") {
      caller.roles |= kAudit;
    } else if (uri == "ami://role/admin") {
      caller.roles |= kAdmin;
    } else if (uri == "ami://role/command") {
      caller.roles |= kCommand;
    } else if (uri == "ami://role/demand-reset") {
      caller.roles |= kDemandReset;
    } else if (uri == "ami://role/switch") {
      caller.roles |= kSwitch;
    } else if (uri == "ami://role/hold-admin") {
      caller.roles |= kHoldAdmin;
    } else if (uri.starts_with(kUtility)) {
      const std::string_view key = std::string_view(uri).substr(kUtility.size());
      if (key == "*") {
        caller.every_utility = true;
      } else if (valid_key(key)) {
        caller.utilities.emplace(key);
      }
    }
  }
  return caller;
}

bool reserved_name(std::string_view name) {
  return name == kLocalOperator || name == kDemoCaller || name == storage::kOwnCaller;
}

Caller full_caller(std::string name) {
  Caller caller;
  caller.name = std::move(name);
  caller.roles = kEveryRole;
  caller.every_utility = true;
  return caller;
}

}  // namespace ami::rpc
