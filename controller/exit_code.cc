// SPDX-License-Identifier: Apache-2.0
#include "controller/exit_code.h"

namespace gatelift {
namespace {

std::string next_step(const Error& error) {
  switch (error.kind) {
    case ErrorKind::Unavailable:
      return "is the API server reachable? `kubectl version` asks it with the same kubeconfig";
    case ErrorKind::Unauthorized:
      return "the credentials are not accepted; renew them, and check with `kubectl auth whoami`";
    case ErrorKind::Forbidden:
      return "`kubectl auth can-i --list` shows what this account may do; the roles that gatelift "
             "needs are in manifests/rbac";
    case ErrorKind::Internal:
      return "this may be a defect of gatelift; please report it with the message above";
    case ErrorKind::Conflict:
    case ErrorKind::AlreadyExists:
    case ErrorKind::NotFound:
    case ErrorKind::Expired:
    case ErrorKind::Invalid:
    case ErrorKind::Cancelled:
      return "";
  }
  return "";
}

}  // namespace

std::string explain(const Error& error) {
  std::string text = "error: " + error.message + "\n";
  if (const std::string next = next_step(error); !next.empty()) text += "next:  " + next + "\n";
  return text;
}

}  // namespace gatelift
