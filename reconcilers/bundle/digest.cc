// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/bundle/digest.h"

#include <openssl/evp.h>

#include <array>
#include <cstdlib>

namespace gatelift {

std::string sha256(std::string_view bytes) {
  static const EVP_MD* const algorithm = EVP_sha256();
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  // Fails only where memory is exhausted or the library has no SHA-256: there is no going on
  // without digests.
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, algorithm, nullptr) != 1) {
    std::abort();
  }
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text = "sha256:";
  text.reserve(text.size() + 2 * size);
  for (unsigned int i = 0; i < size; ++i) {
    text += kDigits[digest[i] >> 4];
    text += kDigits[digest[i] & 0x0f];
  }
  return text;
}

std::string digest_of(const Json& json) { return sha256(print_json(json)); }

}  // namespace gatelift
