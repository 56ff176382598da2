#include "adapters/twacs/peer/head_end.h"

#include <chrono>

namespace ami::twacs::peer {

multispeak::peer::HeadEndSettings head_end() {
  using enum multispeak::Operation;
  multispeak::peer::HeadEndSettings settings;
  settings.version = multispeak::Version::V30;
  settings.paths = {{"/MR_Server",
                     {PingUrl, GetMethods, InitiateMeterRead, GetLatestReading, GetReadingsByDate,
                      GetAmrSupportedMeters, MeterAdd, MeterRemove, MeterExchange}},
                    {"/OD_Server", {PingUrl, GetMethods, InitiateOutageDetection}}};
  settings.without = {InitiateConnectDisconnect, InitiateCdStateRequest, GetCdMeterState,
                      InitiateDemandReset};
  settings.latency = [] { return std::chrono::minutes{2}; };  // assumed
  return settings;
}

}  // namespace ami::twacs::peer
