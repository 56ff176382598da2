#include "adapters/ts2/peer/head_end.h"

#include <chrono>

namespace ami::ts2::peer {

multispeak::peer::HeadEndSettings head_end() {
  using enum multispeak::Operation;
  multispeak::peer::HeadEndSettings settings;
  settings.version = multispeak::Version::V30;
  settings.paths = {
      {"/Multispeak/webapi/MR_CB.asmx",
       {PingUrl, GetMethods, InitiateMeterRead, GetLatestReading, GetReadingsByDate, InitiateDemandReset,
        MeterAdd, MeterRemove, MeterRetire, MeterExchange}},
      {"/Multispeak/webapi/CD_CB.asmx",
       {PingUrl, GetMethods, InitiateConnectDisconnect, InitiateCdStateRequest, GetCdMeterState}}};
  settings.without = {InitiateOutageDetection, GetReadingsByBillingCycle};
  settings.latency = [] { return std::chrono::minutes{35}; };  // assumed: minutes to hours on a power line
  return settings;
}

}  // namespace ami::ts2::peer
