// SPDX-License-Identifier: Apache-2.0
// A self-pipe: handlers are not inherited by the credential plugins that a kubeconfig may start, a
// blocked signal mask would be.
#include "controller/signals.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>

namespace gatelift {
namespace {

constexpr unsigned char kFinish = 0;  // no signal has this number

std::atomic<int> write_end{-1};
std::atomic<int> first_signal{0};
static_assert(std::atomic<int>::is_always_lock_free);

void on_signal(int number) {
  const int saved = errno;
  int none = 0;
  if (!first_signal.compare_exchange_strong(none, number)) _exit(128 + number);
  const auto byte = static_cast<unsigned char>(number);
  if (write(write_end.load(), &byte, 1) != 1) _exit(128 + number);
  errno = saved;
}

void set_handler(int number, void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(number, &action, nullptr);
}

unsigned char read_byte(int fd) {
  unsigned char byte = kFinish;
  while (read(fd, &byte, 1) < 0 && errno == EINTR) {
  }
  return byte;
}

}  // namespace

SignalStop::SignalStop(std::function<void(int)> announce) : announce_(std::move(announce)) {
  std::array<int, 2> ends{-1, -1};
  if (pipe2(ends.data(), O_CLOEXEC) != 0)
    return;  // out of descriptors: signals then end the process at once
  first_signal = 0;
  write_end = ends[1];
  thread_ = std::thread([this, read_end = ends[0]] {
    if (const unsigned char byte = read_byte(read_end); byte != kFinish) {
      source_.request_stop();
      if (announce_) announce_(byte);
      while (read_byte(read_end) != kFinish) {
      }
    }
    close(read_end);
  });
  set_handler(SIGINT, on_signal);
  set_handler(SIGTERM, on_signal);
  set_handler(SIGPIPE, SIG_IGN);
}

SignalStop::~SignalStop() {
  if (!thread_.joinable()) return;
  set_handler(SIGINT, SIG_DFL);
  set_handler(SIGTERM, SIG_DFL);
  const int fd = write_end.exchange(-1);
  static_cast<void>(!write(fd, &kFinish, 1));
  thread_.join();
  close(fd);
}

int SignalStop::signal() const { return first_signal.load(); }

}  // namespace gatelift
