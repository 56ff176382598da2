// The adapter of a family that does nothing but read dropped files.
#pragma once

#include <utility>

#include "adapters/sdk/adapter.h"
#include "adapters/wire/drop_folder/drop_folder.h"

namespace ami::wire {

class FileFedAdapter : public sdk::Adapter {
 public:
  FileFedAdapter(sdk::AdapterInfo info, DropFolderConfig config, sdk::Services services,
                 DropFolder::MakeReader make_reader)
      : info_(std::move(info)), folder_(std::move(config), services, std::move(make_reader)) {}

  [[nodiscard]] const sdk::AdapterInfo& info() const noexcept override { return info_; }
  [[nodiscard]] sdk::Health health() const override { return folder_.health(); }
  sdk::Awaitable<Outcome> start() override { return folder_.start(); }
  sdk::Awaitable<void> stop() override { return folder_.stop(); }

 private:
  sdk::AdapterInfo info_;
  DropFolder folder_;
};

}  // namespace ami::wire
