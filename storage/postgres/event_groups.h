// Inside the store only: which events of a meter tell one fact (meter_model/quantity/event_facts.h), kept in
// the rows themselves. What is written depends on the rows that are there, never on the order in which they
// came.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "meter_model/normaliser/reading.h"
#include "meter_model/quantity/event_facts.h"

struct pg_conn;

namespace ami::storage {

// Somewhere in the events of a meter about a subject something became different.
struct TouchedFact {
  MeterId meter = 0;
  std::int32_t subject = 0;
  UtcInstant at{};
};

struct GroupedEvent {
  MeterId meter = 0;
  UtcInstant at{};
  std::int64_t event_id = 0;
  std::int64_t head = 0;  // its own event_id: it is the head
  bool turned = false;    // it was a head and is a duplicate now, or the other way round
};

// Waits until no other transaction decides about events of these meters, and keeps others from it until this
// one ends: two that do not see each other's rows would each find a head. Call it before the first event is
// written.
void lock_event_meters(pg_conn* connection, std::vector<MeterId> meters);

// Finds the facts around what was touched anew and writes what differs: one statement, whatever the number.
// Reads, for each meter and subject, the facts from the first to the last touched place. Returns the events
// of facts that are told more than once, and those that turned.
std::vector<GroupedEvent> regroup_events(pg_conn* connection, const EventFacts& facts,
                                         std::span<const TouchedFact> touched);

// Of events whose kind tells no fact any more.
void forget_groups(pg_conn* connection, std::span<const MeterId> meters, std::span<const UtcInstant> times,
                   std::span<const std::int64_t> event_ids);

}  // namespace ami::storage
