// The template that is shipped, and files of the source tree.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "adapters/wire/uiq_job/codec/uiq_job.h"

namespace ami::uiq_job {

inline std::string tree_file(const std::string& path) {
  const char* root = std::getenv("AMI_SOURCE_DIR");
  std::ifstream in(std::string(root == nullptr ? "." : root) + "/" + path, std::ios::binary);
  EXPECT_TRUE(in.good()) << path;
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

inline SiteTemplate shipped() {
  auto site = SiteTemplate::parse(tree_file("config/uiq_job/assumed.yaml"), "assumed.yaml");
  EXPECT_TRUE(site.ok()) << (site ? "" : site.error().message);
  return site ? std::move(site).value() : SiteTemplate{};
}

inline SiteTemplate site_of(const std::string& yaml) {
  auto site = SiteTemplate::parse(yaml, "t.yaml");
  EXPECT_TRUE(site.ok()) << (site ? "" : site.error().message);
  return site ? std::move(site).value() : SiteTemplate{};
}

}  // namespace ami::uiq_job
