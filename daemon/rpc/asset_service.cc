#include "daemon/rpc/asset_service.h"

#include <optional>

#include "daemon/rpc/asset_messages.h"
#include "daemon/rpc/convert.h"
#include "daemon/rpc/meter_approval.h"
#include "daemon/rpc/meter_import.h"

namespace ami::rpc {
namespace {

constexpr auto kMeter = ResourceName::Kind::Meter;
constexpr auto kUsagePoint = ResourceName::Kind::UsagePoint;

std::optional<storage::Installation> installed_at(const std::vector<storage::Installation>& installations,
                                                  UtcInstant at) {
  for (const storage::Installation& installation : installations) {
    if (installation.valid.contains(at)) return installation;
  }
  return std::nullopt;
}

template <class Request>
UtcInstant required_at(const Request& request) {
  if (!request.has_at()) throw StatusError{invalid_field("at", "is required")};
  return instant_from("at", request.at());
}

template <class Request>
UtcInstant at_or_now(const Call& call, const Request& request) {
  return request.has_at() ? instant_from("at", request.at()) : call.now();
}

// What is to be installed must not be excluded; what has been is stored as it is.
template <class Request>
storage::FittedCheck check_of_order(const Call& call, const Request& request, UtcInstant at,
                                    const regime::Regime& regime) {
  if (!request.already_in_place()) return regime::planned_check(regime);
  if (at > call.now())
    throw StatusError{invalid_field("at", "must not be in the future with already_in_place")};
  return {};
}

// The request's new data begin somewhere; they hold until something newer is said.
template <class Detail>
Detail changed_from(const std::vector<Detail>& details, UtcInstant at) {
  Detail detail = details.empty() ? Detail{} : detail_at(details, at);
  detail.valid = {at, UtcInstant::max()};
  return detail;
}

// Aliases are looked up one by one; the answer to each stands for itself.
v1::Resolved resolve_one(const Call& call, const storage::Utility& utility, const v1::Alias& asked,
                         const std::string& field, UtcInstant at) {
  storage::AliasQuery query;
  query.feed = text_from(field + ".feed", asked.feed());
  query.value = text_from(field + ".value", asked.value());
  if (query.value.empty()) throw StatusError{invalid_field(field + ".value", "must not be empty")};
  if (asked.kind() != v1::ALIAS_KIND_UNSPECIFIED) {
    query.kind = alias_kind_from_proto(field + ".kind", asked.kind());
  }
  query.at = at;

  v1::Resolved resolved;
  *resolved.mutable_alias() = asked;
  storage::Answer<storage::ResolvedAlias> answer = call.assets().resolve(utility.id, query);
  if (answer.ok()) {
    resolved.set_meter(meter_name(utility.key, answer->meter_key));
    if (answer->installation) {
      resolved.set_usage_point(usage_point_name(utility.key, answer->installation->usage_point_key));
    }
    return resolved;
  }
  storage::Refusal refusal = answer.refusal();
  if (refusal.kind == storage::Refusal::Kind::NotFound) {
    resolved.mutable_missing()->set_reason(v1::Missing::UNKNOWN_ID);
    resolved.mutable_missing()->set_detail(
        refusal.message + (refusal.nearest.empty() ? "" : "; the nearest known is " + refusal.nearest));
    return resolved;
  }
  if (refusal.kind == storage::Refusal::Kind::Invalid) refusal.field = field;
  call.fail(refusal, {});
}

}  // namespace

AssetService::Unary* AssetService::Resolve(Context* context, const v1::ResolveRequest* request,
                                           v1::ResolveResponse* response) {
  return gate_.unary(context, "/ami.v1.AssetService/Resolve", [request, response](const Call& call) {
    if (request->aliases().empty() || request->aliases_size() > 1000) {
      throw StatusError{invalid_field("aliases", "must hold 1 to 1000 aliases")};
    }
    const storage::Utility utility = call.parent(request->parent());
    const UtcInstant at = at_or_now(call, *request);
    for (int i = 0; i < request->aliases_size(); ++i) {
      *response->add_resolved() =
          resolve_one(call, utility, request->aliases(i), "aliases[" + std::to_string(i) + "]", at);
    }
  });
}

AssetService::Unary* AssetService::GetUsagePoint(Context* context, const v1::GetUsagePointRequest* request,
                                                 v1::UsagePoint* response) {
  return gate_.unary(context, "/ami.v1.AssetService/GetUsagePoint", [request, response](const Call& call) {
    const ResourceName name = call.resource("name", request->name(), kUsagePoint);
    const storage::Utility utility = call.utility_of(name.utility);
    *response =
        to_proto(utility, call.take(call.assets().get_usage_point(utility.id, name.key), name), call.now());
    const auto installed = installed_at(
        call.take(call.assets().installations_of_usage_point(utility.id, name.key), name), call.now());
    if (installed) *response->mutable_installation() = to_proto(utility, *installed);
  });
}

AssetService::Unary* AssetService::ListUsagePoints(Context* context,
                                                   const v1::ListUsagePointsRequest* request,
                                                   v1::ListUsagePointsResponse* response) {
  return gate_.unary(context, "/ami.v1.AssetService/ListUsagePoints", [request, response](const Call& call) {
    const Page page = call.page(*request);
    const storage::Utility utility = call.parent(request->parent());
    const auto found = call.take(call.assets().list_usage_points(utility.id, page.store));
    for (const storage::UsagePoint& point : found.items) {
      *response->add_usage_points() = to_proto(utility, point, call.now());
    }
    response->set_next_page_token(call.next_token(page, found.next_token));
  });
}

AssetService::Unary* AssetService::CreateUsagePoint(Context* context,
                                                    const v1::CreateUsagePointRequest* request,
                                                    v1::UsagePoint* response) {
  return gate_.unary(context, "/ami.v1.AssetService/CreateUsagePoint", [request, response](const Call& call) {
    const ResourceName name = call.resource("usage_point.name", request->usage_point().name(), kUsagePoint);
    const storage::UsagePointDetail detail = usage_point_detail_from(request->usage_point());
    const storage::Utility utility = call.utility_of(name.utility);
    *response = to_proto(
        utility, call.take(call.assets().create_usage_point(utility.id, name.key, detail), name), call.now());
  });
}

AssetService::Unary* AssetService::UpdateUsagePoint(Context* context,
                                                    const v1::UpdateUsagePointRequest* request,
                                                    v1::UsagePoint* response) {
  return gate_.unary(context, "/ami.v1.AssetService/UpdateUsagePoint", [request, response](const Call& call) {
    const ResourceName name = call.resource("usage_point.name", request->usage_point().name(), kUsagePoint);
    if (request->update_fields().empty()) {
      throw StatusError{invalid_field("update_fields", "must name at least one field")};
    }
    const storage::UsagePointDetail wanted = usage_point_detail_from(request->usage_point());
    const UtcInstant at = at_or_now(call, *request);
    const storage::Utility utility = call.utility_of(name.utility);
    storage::UsagePointDetail detail =
        changed_from(call.take(call.assets().get_usage_point(utility.id, name.key), name).details, at);
    overwrite(request->update_fields(), wanted, detail);
    *response = to_proto(utility,
                         call.take(call.assets().update_usage_point(utility.id, name.key, detail), name), at);
  });
}

AssetService::Unary* AssetService::GetMeter(Context* context, const v1::GetMeterRequest* request,
                                            v1::Meter* response) {
  return gate_.unary(context, "/ami.v1.AssetService/GetMeter", [request, response](const Call& call) {
    const ResourceName name = call.resource("name", request->name(), kMeter);
    const storage::Utility utility = call.utility_of(name.utility);
    const storage::Meter meter = call.take(call.assets().get_meter(utility.id, name.key), name);
    *response = to_proto(utility, meter, call.now());
    tell_facts(call.regime_of(utility), call.take(call.assets().facts_of({meter.id})).at(meter.id),
               call.now(), *response);
    const auto installed =
        installed_at(call.take(call.assets().installations_of_meter(utility.id, name.key), name), call.now());
    if (installed) *response->mutable_installation() = to_proto(utility, *installed);
  });
}

AssetService::Unary* AssetService::ListMeters(Context* context, const v1::ListMetersRequest* request,
                                              v1::ListMetersResponse* response) {
  return gate_.unary(context, "/ami.v1.AssetService/ListMeters", [request, response](const Call& call) {
    const Page page = call.page(*request);
    const storage::Utility utility = call.parent(request->parent());
    const auto found = call.take(call.assets().list_meters(utility.id, page.store));
    std::vector<MeterId> ids;
    for (const storage::Meter& meter : found.items) ids.push_back(meter.id);
    const auto facts = call.take(call.assets().facts_of(ids));
    for (const storage::Meter& meter : found.items) {
      v1::Meter* message = response->add_meters();
      *message = to_proto(utility, meter, call.now());
      tell_modules(facts.at(meter.id), call.now(), *message);
    }
    response->set_next_page_token(call.next_token(page, found.next_token));
  });
}

AssetService::Unary* AssetService::CreateMeter(Context* context, const v1::CreateMeterRequest* request,
                                               v1::Meter* response) {
  return gate_.unary(context, "/ami.v1.AssetService/CreateMeter", [request, response](const Call& call) {
    const ResourceName name = call.resource("meter.name", request->meter().name(), kMeter);
    const storage::MeterDetail detail = meter_detail_from(request->meter());
    std::vector<storage::Alias> aliases;
    for (int i = 0; i < request->meter().aliases_size(); ++i) {
      aliases.push_back(alias_from("meter.aliases[" + std::to_string(i) + "]", request->meter().aliases(i)));
    }
    const storage::Utility utility = call.utility_of(name.utility);
    auto module = module_from(call.regime_of(utility), "meter.module_type", request->meter().module_type(),
                              "meter.board", request->meter().board());
    const std::string han = han_from("meter.han", request->meter().han());
    if (!han.empty() && !module) throw StatusError{invalid_field("meter.han", "needs a module beside it")};
    if (module) {
      module->valid = detail.valid;
      module->han = han;
    }
    *response = to_proto(
        utility, call.take(call.assets().create_meter(utility.id, name.key, detail, aliases, module), name),
        call.now());
    if (module) tell_modules({.details = {}, .modules = {*module}, .seals = {}}, call.now(), *response);
  });
}

AssetService::Unary* AssetService::UpdateMeter(Context* context, const v1::UpdateMeterRequest* request,
                                               v1::Meter* response) {
  return gate_.unary(context, "/ami.v1.AssetService/UpdateMeter", [request, response](const Call& call) {
    const ResourceName name = call.resource("meter.name", request->meter().name(), kMeter);
    if (request->update_fields().empty() && request->add_aliases().empty() &&
        request->end_aliases().empty()) {
      throw StatusError{
          invalid_field("update_fields", "must name at least one field, or an alias must be given")};
    }
    const storage::MeterDetail wanted = meter_detail_from(request->meter());
    const ModuleUpdate fitting = module_update(request->update_fields());
    if (request->has_seal_broken() && !fitting.any())
      throw StatusError{
          invalid_field("seal_broken", "is about a new module_type or board: name it in update_fields")};
    std::vector<storage::Alias> added, ended;
    for (int i = 0; i < request->add_aliases_size(); ++i) {
      added.push_back(alias_from("add_aliases[" + std::to_string(i) + "]", request->add_aliases(i)));
    }
    for (int i = 0; i < request->end_aliases_size(); ++i) {
      ended.push_back(alias_from("end_aliases[" + std::to_string(i) + "]", request->end_aliases(i)));
    }
    const UtcInstant at = at_or_now(call, *request);
    const storage::Utility utility = call.utility_of(name.utility);
    storage::Assets assets = call.assets();
    const regime::Regime regime = call.regime_of(utility);
    storage::Meter meter = call.take(assets.get_meter(utility.id, name.key), name);
    if (!request->update_fields().empty()) {
      const storage::MeterFacts facts = call.take(assets.facts_of({meter.id})).at(meter.id);
      storage::MeterChange change;
      if (!fitting.others.empty()) {
        change.detail = changed_from(meter.details, at);
        overwrite(fitting.others, wanted, *change.detail);
      }
      if (fitting.han) change.han = storage::HanOption{han_from("meter.han", request->meter().han()), at};
      if (fitting.any()) change.module = changed_module(regime, *request, fitting, facts, at);
      if (!request->already_in_place()) change.check = check_of_change(regime, facts, at);
      meter = call.take(assets.change_meter(utility.id, name.key, change), name);
    }
    // Ends come first: an id may be taken over from itself with other dates.
    for (const storage::Alias& alias : ended) {
      meter = call.take(assets.end_alias(utility.id, name.key, alias, at), name);
    }
    for (const storage::Alias& alias : added) {
      meter = call.take(assets.add_alias(utility.id, name.key, alias), name);
    }
    *response = to_proto(utility, meter, at);
    tell_modules(call.take(assets.facts_of({meter.id})).at(meter.id), at, *response);
  });
}

grpc::ServerReadReactor<v1::ImportMetersRequest>* AssetService::ImportMeters(
    Context* context, v1::ImportMetersResponse* response) {
  return start_meter_import(gate_, *context, *response);
}

AssetService::Unary* AssetService::Install(Context* context, const v1::InstallRequest* request,
                                           v1::Installation* response) {
  return gate_.unary(context, "/ami.v1.AssetService/Install", [request, response](const Call& call) {
    const ResourceName meter = call.resource("meter", request->meter(), kMeter);
    const ResourceName point = call.resource("usage_point", request->usage_point(), kUsagePoint);
    if (meter.utility != point.utility) {
      throw StatusError{invalid_field("usage_point", "must be of the meter's utility")};
    }
    storage::InstallRequest order;
    order.meter = meter.key;
    order.usage_point = point.key;
    order.at = required_at(*request);
    order.multiplier = multiplier_from("multiplier", request->multiplier());
    order.order_id = text_from("order_id", request->order_id(), 64);
    order.start_reads = dial_reads_from("start_reads", request->start_reads());
    const storage::Utility utility = call.utility_of(meter.utility);
    order.utility = utility.id;
    const regime::Regime regime = call.regime_of(utility);
    order.check = check_of_order(call, *request, order.at, regime);
    // Asked first, so that NOT_FOUND can say which of the two it is.
    call.take(call.assets().get_meter(utility.id, meter.key), meter);
    *response = to_proto(utility, call.take(call.assets().install(order), point));
  });
}

AssetService::Unary* AssetService::Remove(Context* context, const v1::RemoveRequest* request,
                                          v1::Installation* response) {
  return gate_.unary(context, "/ami.v1.AssetService/Remove", [request, response](const Call& call) {
    const ResourceName meter = call.resource("meter", request->meter(), kMeter);
    storage::RemoveRequest order;
    order.meter = meter.key;
    order.at = required_at(*request);
    order.order_id = text_from("order_id", request->order_id(), 64);
    order.end_reads = dial_reads_from("end_reads", request->end_reads());
    const storage::Utility utility = call.utility_of(meter.utility);
    order.utility = utility.id;
    *response = to_proto(utility, call.take(call.assets().remove(order), meter));
  });
}

AssetService::Unary* AssetService::Exchange(Context* context, const v1::ExchangeRequest* request,
                                            v1::ExchangeResponse* response) {
  return gate_.unary(context, "/ami.v1.AssetService/Exchange", [request, response](const Call& call) {
    const ResourceName point = call.resource("usage_point", request->usage_point(), kUsagePoint);
    const ResourceName meter = call.resource("new_meter", request->new_meter(), kMeter);
    if (meter.utility != point.utility) {
      throw StatusError{invalid_field("new_meter", "must be of the usage point's utility")};
    }
    storage::ExchangeRequest order;
    order.usage_point = point.key;
    order.new_meter = meter.key;
    order.at = required_at(*request);
    order.order_id = text_from("order_id", request->order_id(), 64);
    order.old_end_reads = dial_reads_from("old_end_reads", request->old_end_reads());
    order.new_start_reads = dial_reads_from("new_start_reads", request->new_start_reads());
    order.multiplier = multiplier_from("multiplier", request->multiplier());
    const storage::Utility utility = call.utility_of(point.utility);
    order.utility = utility.id;
    const regime::Regime regime = call.regime_of(utility);
    order.check = check_of_order(call, *request, order.at, regime);
    call.take(call.assets().get_meter(utility.id, meter.key), meter);
    if (request->multiplier().empty()) {
      // The instrument transformers stay when a meter is exchanged.
      const auto before = installed_at(
          call.take(call.assets().installations_of_usage_point(utility.id, point.key), point), order.at);
      if (before) order.multiplier = before->multiplier;
    }
    const storage::Exchanged exchanged = call.take(call.assets().exchange(order), point);
    *response->mutable_removed() = to_proto(utility, exchanged.removed);
    *response->mutable_installed() = to_proto(utility, exchanged.installed);
  });
}

AssetService::Unary* AssetService::SetVerification(Context* context,
                                                   const v1::SetVerificationRequest* request,
                                                   v1::Meter* response) {
  return gate_.unary(context, "/ami.v1.AssetService/SetVerification",
                     [request, response](const Call& call) { set_verification(call, *request, *response); });
}

AssetService::Unary* AssetService::ListNonconforming(Context* context,
                                                     const v1::ListNonconformingRequest* request,
                                                     v1::ListNonconformingResponse* response) {
  return gate_.unary(
      context, "/ami.v1.AssetService/ListNonconforming",
      [request, response](const Call& call) { list_nonconforming(call, *request, *response); });
}

}  // namespace ami::rpc
