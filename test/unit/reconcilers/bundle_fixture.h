// SPDX-License-Identifier: Apache-2.0
// Small CRDs, and directories to put them in, for the tests of bundles.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace gatelift {

/// A document with its separator. An empty `bundle_version` leaves both annotations out.
inline std::string crd_yaml(const std::string& plural, const std::string& bundle_version = "v1.1.1",
                            const std::string& group = "gateway.networking.k8s.io") {
  std::string text = "---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n";
  text += "metadata:\n  name: " + plural + "." + group + "\n";
  if (!bundle_version.empty()) {
    text += "  annotations:\n    gateway.networking.k8s.io/bundle-version: " + bundle_version +
            "\n    gateway.networking.k8s.io/channel: experimental\n";
  }
  text += "spec:\n  group: " + group + "\n  scope: Namespaced\n  names: {kind: Kind" + plural +
          ", plural: " + plural + "}\n  versions:\n  - {name: v1, served: true, storage: true}\n";
  return text;
}

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "gatelift-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::filesystem::path& path() const { return path_; }

  void write(const std::string& name, const std::string& text) const {
    const std::filesystem::path file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace gatelift
