// SPDX-License-Identifier: Apache-2.0
// Result<T>: a value or an Error, never both and never neither. The macros are the only ones we own.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

#include "client/error.h"

namespace gatelift {

template <typename T>
using Result = tl::expected<T, Error>;

/// Makes the failing side of any Result.
inline tl::unexpected<Error> fail(Error error) { return tl::unexpected<Error>(std::move(error)); }
inline tl::unexpected<Error> fail(ErrorKind kind, std::string message) {
  Error error;
  error.kind = kind;
  error.message = std::move(message);
  return tl::unexpected<Error>(std::move(error));
}

}  // namespace gatelift

#define GATELIFT_CONCAT_(a, b) a##b
#define GATELIFT_CONCAT(a, b) GATELIFT_CONCAT_(a, b)

/// Returns from the calling function when `expr`, a Result, failed.
#define RETURN_IF_ERROR(expr)                                                     \
  do {                                                                            \
    if (auto result_ = (expr); !result_) {                                        \
      return ::tl::unexpected<::gatelift::Error>(std::move(result_).error());     \
    }                                                                             \
  } while (false)

/// Declares `lhs` as the value of `expr`, or returns its error from the calling function.
#define ASSIGN_OR_RETURN(lhs, expr)                                               \
  ASSIGN_OR_RETURN_(GATELIFT_CONCAT(result_at_, __LINE__), lhs, expr)
#define ASSIGN_OR_RETURN_(tmp, lhs, expr)                                         \
  auto tmp = (expr);                                                              \
  if (!tmp) return ::tl::unexpected<::gatelift::Error>(std::move(tmp).error());   \
  lhs = *std::move(tmp)
