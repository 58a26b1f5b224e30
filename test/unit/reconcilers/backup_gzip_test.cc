// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "reconcilers/backup/gzip.h"

namespace gatelift {
namespace {

std::string noise(std::size_t size) {
  std::mt19937 random(7);
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

TEST(Gzip, InflatesToWhatWasCompressed) {
  for (const std::string& bytes :
       {std::string(), std::string("a"), std::string(300'000, 'x'), noise(200'000)}) {
    const auto inflated = gunzip(gzip(bytes), bytes.size());
    ASSERT_TRUE(inflated.has_value()) << inflated.error().message;
    EXPECT_EQ(*inflated, bytes);
  }
}

TEST(Gzip, IsAGzipStreamThatNamesNoTime) {
  const std::string bytes = gzip("text");
  EXPECT_EQ(bytes.substr(0, 3), "\x1f\x8b\x08");
  EXPECT_EQ(bytes.substr(4, 4), std::string(4, '\0'));
}

TEST(Gunzip, RefusesMoreThanItWasToldToExpect) {
  const std::string bomb = gzip(std::string(50'000'000, '\0'));
  const auto inflated = gunzip(bomb, 1000);
  ASSERT_FALSE(inflated.has_value());
  EXPECT_EQ(inflated.error().kind, ErrorKind::Invalid);
  EXPECT_FALSE(gunzip(gzip("four"), 3).has_value());
  EXPECT_TRUE(gunzip(gzip("four"), 4).has_value());
}

TEST(Gunzip, RefusesWhatIsNoWholeStream) {
  const std::string whole = gzip(noise(5000));
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{5}, whole.size() / 2, whole.size() - 1}) {
    EXPECT_FALSE(gunzip(whole.substr(0, size), 10'000).has_value()) << size;
  }
  EXPECT_FALSE(gunzip(whole + "x", 10'000).has_value());
  EXPECT_FALSE(gunzip("plain text, not gzip at all", 10'000).has_value());
  std::string flipped = whole;
  flipped[whole.size() - 5] = static_cast<char>(flipped[whole.size() - 5] ^ 1);
  EXPECT_FALSE(gunzip(flipped, 10'000).has_value());
}

TEST(Base64, IsThatOfRfc4648) {
  const std::pair<const char*, const char*> vectors[] = {
      {"",       ""        },
      {"f",      "Zg=="    },
      {"fo",     "Zm8="    },
      {"foo",    "Zm9v"    },
      {"foob",   "Zm9vYg=="},
      {"fooba",  "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
  };
  for (const auto& [bytes, text] : vectors) {
    EXPECT_EQ(base64_encode(bytes), text);
    EXPECT_EQ(base64_decode(text).value(), bytes);
  }
  const std::string bytes = noise(1001);
  EXPECT_EQ(base64_decode(base64_encode(bytes)).value(), bytes);
}

TEST(Base64, RefusesWhatIsNone) {
  for (const char* text : {"Z", "Zg", "Zg=", "Zg===", "Zm9v!m9v", "Zm 9", "====", "=Zg="}) {
    EXPECT_FALSE(base64_decode(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace gatelift
