# SPDX-License-Identifier: Apache-2.0
# Shared by the scripts of this folder; source it after `set -euo pipefail`.

die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

note() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
}

# Where downloads and built tools live. Nothing in it needs keeping.
cache_dir() {
  printf '%s\n' "${GATELIFT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gatelift}"
}

repository() {
  cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd
}

# install-deps puts a Go toolchain here where the machine has none that is new enough.
use_cached_go() {
  local toolchain
  toolchain=$(cache_dir)/go
  [[ -x $toolchain/bin/go ]] && PATH=$toolchain/bin:$PATH
  return 0
}

# How many compilers or tests to run at once.
jobs_at_once() {
  printf '%s\n' "${GATELIFT_JOBS:-$(nproc)}"
}

# go build of the module in the working directory: its pins as they are, nothing of this machine in what it makes.
go_build() {
  CGO_ENABLED=0 GOFLAGS=-mod=readonly GOWORK=off nice -n 5 go build -trimpath -buildvcs=false "$@"
}
