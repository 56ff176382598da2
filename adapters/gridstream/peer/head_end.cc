#include "adapters/gridstream/peer/head_end.h"

namespace ami::gridstream::peer {

multispeak::peer::HeadEndSettings head_end() {
  using enum multispeak::Operation;
  multispeak::peer::HeadEndSettings settings;
  settings.version = multispeak::Version::V30;
  settings.paths = {{"/Multispeak/webapi/MR_CB.asmx",
                     {PingUrl, GetMethods, InitiateMeterRead, GetLatestReading, GetReadingsByDate,
                      InitiateDemandReset, MeterAdd, MeterRemove, MeterRetire, MeterExchange}},
                    {"/Multispeak/webapi/CD_CB.asmx", {PingUrl, GetMethods, InitiateConnectDisconnect}}};
  settings.without = {InitiateOutageDetection, GetReadingsByBillingCycle};
  return settings;
}

}  // namespace ami::gridstream::peer
