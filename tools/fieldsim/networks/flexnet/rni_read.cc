#include "tools/fieldsim/networks/flexnet/rni_read.h"

#include <chrono>
#include <utility>

#include "tools/fieldsim/drop_box/stated.h"

namespace ami::fieldsim::flexnet {

multispeak::MeterRead rni_read(const std::string& meter, const virtual_meter::Reading& reading, Content& content) {
  const UtcInstant at = std::chrono::floor<std::chrono::seconds>(reading.clock);
  multispeak::MeterRead read;
  read.meter.number = read.object_id = meter;
  read.reading_date = to_text(at);
  multispeak::ReadingValue value;
  value.units = value.field_name = "kWh";
  value.value = reading.energy.delivered_kwh.to_string();
  value.time = read.reading_date;
  Content::Register line;
  line.meter = meter;
  line.reading_type = reading_type::kDelivered;
  line.at = at;
  line.value = thousand(reading.energy.delivered_kwh);
  line.channel = "kWh";
  line.raw = value.value;
  content.add(line);
  read.values.push_back(std::move(value));
  return read;
}

}  // namespace ami::fieldsim::flexnet
