// Requests of the daemon to a MultiSpeak head-end, answered over a World, with every step in the ledger.
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "adapters/wire/multispeak/peer/head_end.h"
#include "tools/fieldsim/far_side.h"
#include "tools/fieldsim/multispeak/told.h"

namespace ami::fieldsim {

// The Field of a head-end, and the reader of its ledger. A call of the Field says no transaction: which one
// it is for is known from what the head-end wrote down before. Two orders of one kind for one meter at the
// same time are taken in the order in which they came.
class MultiSpeakRequests : public multispeak::peer::Field {
 public:
  // How a head-end writes a read, with the same in the ledger's words.
  using Tell = multispeak::MeterRead (*)(const std::string& meter, const virtual_meter::Reading& reading,
                                         Content& content);

  MultiSpeakRequests(const Surroundings& around, bool last_gasp, Tell tell = told_read)
      : around_(around), last_gasp_(last_gasp), tell_(tell) {}

  // Both before start(). Misfortunes of callbacks are drawn from the courier.
  void serve(multispeak::peer::HeadEnd& head_end);
  void know_all();

  // What the head-end wrote down since the last time.
  void settle();
  [[nodiscard]] std::uint64_t received() const { return received_; }

  std::optional<multispeak::MeterRead> read(const std::string& meter) override;
  multispeak::peer::Power power(const std::string& meter) override;
  multispeak::peer::Switched act(const std::string& meter, const std::string& load_action) override;
  bool reset(const std::string& meter) override;
  std::string position(const std::string& meter) override;
  std::vector<multispeak::MeterRead> recorded(const std::string& meter, UtcInstant from,
                                              UtcInstant to) override;

 private:
  struct Request {
    multispeak::Operation operation{};
    std::string transaction, action;
    unsigned copies = 1;
  };
  struct Told {  // carried out, on its way back
    Request request;
    Content content;
  };
  using Key = std::pair<std::string, std::string>;  // transaction, meter

  [[nodiscard]] std::optional<MeterIndex> answering(const std::string& meter) const;
  // The oldest request of that kind that is not carried out yet; null: none.
  [[nodiscard]] const Request* waiting(const std::string& meter, multispeak::Operation operation);
  void note(const multispeak::peer::Entry& entry);
  void step(const multispeak::peer::Entry& entry, const Request& request, std::string_view step,
            std::string_view result = {});
  std::optional<Request> take_waiting(const multispeak::peer::Entry& entry);
  void settle_told(const multispeak::peer::Entry& entry);
  void answer(const Content& content);
  void draw_next(const std::string& meter);

  const Surroundings around_;
  const bool last_gasp_;
  const Tell tell_;
  multispeak::peer::HeadEnd* head_end_ = nullptr;
  std::unordered_map<std::string, std::vector<Request>> waiting_;  // by meter
  std::map<Key, Told> told_;
  std::unordered_map<std::string, Fate> unlucky_;  // meters whose next callback does not fare as it should
  std::uint64_t received_ = 0;
};

}  // namespace ami::fieldsim
