// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/bundle/manifest_files.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "client/yaml.h"

namespace gatelift {
namespace {

namespace fs = std::filesystem;

/// True where `line` separates documents: "---" alone or before a space (YAML 1.2, rule 203).
bool is_separator(std::string_view line) {
  return line.starts_with("---") &&
         (line.size() == 3 || line[3] == ' ' || line[3] == '\t' || line[3] == '\r');
}

/// Cuts a stream at its separators, which YAML allows to do without parsing since no scalar can
/// hold such a line. A stream with directives ("%") stays whole: they belong to the document after
/// the separator.
std::vector<std::string_view> split_documents(std::string_view text) {
  std::vector<std::string_view> documents;
  std::size_t begin = 0;
  for (std::size_t line = 0; line < text.size();) {
    const std::size_t end = std::min(text.find('\n', line), text.size());
    const std::string_view content = text.substr(line, end - line);
    if (content.starts_with('%')) return {text};
    if (is_separator(content) && line != begin) {
      documents.push_back(text.substr(begin, line - begin));
      begin = line;
    }
    line = end + 1;
  }
  documents.push_back(text.substr(begin));
  return documents;
}

bool is_manifest(const fs::path& file) {
  const std::string extension = file.extension().string();
  const std::string stem = file.stem().string();
  return (extension == ".yaml" || extension == ".yml" || extension == ".json") &&
         stem != "kustomization";
}

}  // namespace

Result<void> add_manifest_text(BundleBuilder& builder, std::string_view text,
                               const std::string& source) {
  std::size_t number = 0;
  for (const std::string_view part : split_documents(text)) {
    // Empty lines in front keep the line numbers of errors those of the whole text.
    const auto lines = std::count(text.data(), part.data(), '\n');
    std::string padded(static_cast<std::size_t>(lines), '\n');
    padded += part;
    auto documents = parse_yaml(padded, source);
    if (!documents) {
      return fail(wrap(std::move(documents).error(), "document " + std::to_string(number + 1)));
    }
    for (const Json& document : *documents) {
      if (document.is_null()) continue;
      RETURN_IF_ERROR(builder.add(document, source, ++number));
    }
  }
  return {};
}

Result<void> add_manifest_file(BundleBuilder& builder, const fs::path& file) {
  ASSIGN_OR_RETURN(const std::string text, read_file(file));
  return add_manifest_text(builder, text, file.string());
}

Result<std::vector<fs::path>> manifest_files(const fs::path& directory) {
  std::vector<fs::path> files;
  std::error_code failed;
  fs::directory_iterator entries(directory, failed);
  while (!failed && entries != fs::directory_iterator()) {
    if (is_manifest(entries->path())) files.push_back(entries->path());
    entries.increment(failed);
  }
  if (failed) {
    return fail(ErrorKind::NotFound,
                "reading directory " + directory.string() + ": " + failed.message());
  }
  std::sort(files.begin(), files.end());
  return files;
}

Result<std::string> read_file(const fs::path& file) {
  std::error_code failed;
  const fs::file_status status = fs::status(file, failed);
  if (!fs::exists(status)) {
    return fail(ErrorKind::NotFound, "reading " + file.string() + ": there is no such file");
  }
  if (fs::is_directory(status)) {
    return fail(ErrorKind::Invalid, "reading " + file.string() + ": it is a directory");
  }
  std::ifstream stream(file, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  if (stream.bad() || !stream.is_open()) {
    return fail(ErrorKind::Invalid, "reading " + file.string() + ": it cannot be read");
  }
  return text;
}

}  // namespace gatelift
