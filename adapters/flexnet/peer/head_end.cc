#include "adapters/flexnet/peer/head_end.h"

namespace ami::flexnet::peer {

multispeak::peer::HeadEndSettings head_end() {
  using enum multispeak::Operation;
  multispeak::peer::HeadEndSettings settings;
  settings.version = multispeak::Version::V41;
  settings.paths = {
      {"/MR_Server",
       {PingUrl, GetMethods, InitiateMeterRead, GetLatestReading, GetAmrSupportedMeters, MeterAdd,
        MeterRemove}},
      {"/CD_Server",
       {PingUrl, GetMethods, InitiateConnectDisconnect, InitiateCdStateRequest, GetCdMeterState}},
      {"/OD_Server", {PingUrl, GetMethods, InitiateOutageDetection}}};
  settings.without = {GetReadingsByDate, GetReadingsByBillingCycle, InitiateDemandReset};
  return settings;
}

}  // namespace ami::flexnet::peer
