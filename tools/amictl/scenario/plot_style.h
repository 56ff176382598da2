// The look of a picture, inside the picture itself: colours for a light page, and for a dark one where the
// viewer asks for it. Delivered and received differ for colour-blind eyes too, and in direction.
#pragma once

#include <string_view>

namespace ami::amictl {

inline constexpr std::string_view kPlotStyle = R"(
svg{font-family:system-ui,"Segoe UI","Helvetica Neue","DejaVu Sans",sans-serif}
.page{fill:#ffffff}
.panel{fill:#f7f8fa}
text{fill:#1f2937;font-size:13px}
.halo{paint-order:stroke;stroke:#f7f8fa;stroke-width:4px;stroke-linejoin:round}
.eventtext{paint-order:stroke;stroke:#ffffff;stroke-width:4px;stroke-linejoin:round}
.title{font-size:22px;font-weight:600}
.muted{fill:#566072}
.heading{font-size:14px;font-weight:600}
.grid{stroke:#dfe3e8;stroke-width:1}
.zero{stroke:#8a94a3;stroke-width:1}
.power{fill:none;stroke:#334155;stroke-width:1.6;stroke-linejoin:round}
.delivered{fill:#2f6fb5}
.received{fill:#d97a1e}
.area{opacity:.25}
.flagged{fill:none;stroke:#b4143c;stroke-width:1.4;stroke-dasharray:3 2}
.demand{fill:none;stroke:#6b3fa0;stroke-width:2;stroke-linejoin:round}
.dense{stroke-width:.7}
.dot{fill:#6b3fa0}
.max{fill:#b4143c;stroke:#ffffff;stroke-width:1.5}
.closed{fill:#ffffff;stroke:#b4143c;stroke-width:2}
.maxtext{fill:#b4143c;font-weight:600}
.outage{fill:#6b7280;opacity:.22}
.mark{stroke-width:1.4;stroke-dasharray:5 3}
.reset{stroke:#b4143c}.resettext{fill:#b4143c}
.clock{stroke:#946200}.clocktext{fill:#7d5300}
.tier{stroke:#15766a}.tiertext{fill:#10655b}
.test{stroke:#566072}.testtext{fill:#566072}
@media (prefers-color-scheme:dark){
.page{fill:#14181f}.panel{fill:#1b212a}
text{fill:#e6e9ee}.halo{stroke:#1b212a}.eventtext{stroke:#14181f}.muted{fill:#a3adba}
.grid{stroke:#313a46}.zero{stroke:#7d8897}
.power{stroke:#cbd5e1}.delivered{fill:#5b9fe3}.received{fill:#f0994a}.area{opacity:.32}
.flagged{stroke:#ff7a96}
.demand{stroke:#b794f0}.dot{fill:#b794f0}
.max{fill:#ff7a96;stroke:#14181f}.closed{fill:#14181f;stroke:#ff7a96}.maxtext{fill:#ff7a96}
.outage{fill:#9ca3af;opacity:.25}
.reset{stroke:#ff7a96}.resettext{fill:#ff7a96}
.clock{stroke:#e0b050}.clocktext{fill:#e0b050}
.tier{stroke:#4fc9b8}.tiertext{fill:#4fc9b8}
.test{stroke:#a3adba}.testtext{fill:#a3adba}
}
)";

}  // namespace ami::amictl
