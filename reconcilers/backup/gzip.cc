// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/backup/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <cstdlib>

namespace gatelift {
namespace {

constexpr int kGzipWindowBits = 15 + 16;  // zlib.h: 16 asks for a gzip header and trailer

/// zlib's input pointer is not const in its interface, and is not written through.
Bytef* input_of(std::string_view bytes) {
  return const_cast<Bytef*>(reinterpret_cast<const Bytef*>(bytes.data()));
}

}  // namespace

std::string gzip(std::string_view bytes) {
  z_stream stream{};
  // Level 3: YAML shrinks to within a tenth of what level 6 makes of it, in half the time.
  if (deflateInit2(&stream, 3, Z_DEFLATED, kGzipWindowBits, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    std::abort();  // only for want of memory
  }
  std::string out(deflateBound(&stream, static_cast<uLong>(bytes.size())), '\0');
  stream.next_in = input_of(bytes);
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int ended = deflate(&stream, Z_FINISH);
  const std::size_t size = stream.total_out;
  deflateEnd(&stream);
  if (ended != Z_STREAM_END) std::abort();  // the output has deflateBound bytes
  out.resize(size);
  out.shrink_to_fit();
  return out;
}

Result<std::string> gunzip(std::string_view bytes, std::size_t max_bytes) {
  z_stream stream{};
  if (inflateInit2(&stream, kGzipWindowBits) != Z_OK) std::abort();
  std::string out;
  stream.next_in = input_of(bytes);
  stream.avail_in = static_cast<uInt>(bytes.size());
  int state = Z_OK;
  while (state == Z_OK && out.size() <= max_bytes) {
    const std::size_t done = out.size();
    // One byte more than allowed, so that a stream of just max_bytes can come to its end.
    out.resize(std::min(std::max<std::size_t>(2 * done, std::size_t{64} << 10), max_bytes + 1));
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + done);
    stream.avail_out = static_cast<uInt>(out.size() - done);
    state = inflate(&stream, Z_NO_FLUSH);
    out.resize(stream.total_out);
    if (state == Z_OK && stream.avail_in == 0 && stream.avail_out != 0) break;
  }
  const bool has_rest = stream.avail_in != 0;
  inflateEnd(&stream);
  if (out.size() > max_bytes) {
    return fail(ErrorKind::Invalid,
                "inflates to more than " + std::to_string(max_bytes) + " bytes");
  }
  if (state != Z_STREAM_END) return fail(ErrorKind::Invalid, "not a whole gzip stream");
  if (has_rest) return fail(ErrorKind::Invalid, "bytes after the end of the gzip stream");
  return out;
}

}  // namespace gatelift
