// Inside the store only: how statements read the sources and qualities of "interval_day d" as runs, whether
// the row keeps runs or one id for all slots (storage/schema/0014). Macros, so that they join into literals.
#pragma once

#define AMI_SOURCE_RUNS "coalesce(d.source_runs, ARRAY[86400 / d.interval_s, d.source_id])"
#define AMI_QUALITY_RUNS                                                                          \
  "coalesce(d.quality_runs, CASE WHEN d.quality_id IS NOT NULL THEN ARRAY[86400 / d.interval_s, " \
  "d.quality_id]"                                                                                 \
  " END)"
