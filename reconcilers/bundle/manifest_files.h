// SPDX-License-Identifier: Apache-2.0
// Reading manifests into a bundle one document at a time: a bundle's documents as JSON trees all at
// once are some ten megabytes.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "reconcilers/bundle/bundle.h"

namespace gatelift {

/// Puts a bundle together of documents that come one by one. Errors name the source, the number of
/// the document (from 1) and the field.
class BundleBuilder {
 public:
  /// Parts of `ref` that are empty are taken from the CRDs' annotations.
  BundleBuilder(BundleRef ref, std::string source);

  /// Takes a document or a List of them; null documents are skipped, as kubectl does.
  Result<void> add(const Json& document, const std::string& source, std::size_t number);

  Result<Bundle> finish() &&;

 private:
  Bundle bundle_;
};

/// Adds each document of a text of YAML or JSON.
Result<void> add_manifest_text(BundleBuilder& builder, std::string_view text,
                               const std::string& source);

Result<void> add_manifest_file(BundleBuilder& builder, const std::filesystem::path& file);

/// The manifests directly in a directory (.yaml, .yml, .json), by name, without kustomization.yaml.
Result<std::vector<std::filesystem::path>> manifest_files(const std::filesystem::path& directory);

/// Reads a whole file; NotFound where there is none.
Result<std::string> read_file(const std::filesystem::path& file);

}  // namespace gatelift
