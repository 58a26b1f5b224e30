// SPDX-License-Identifier: Apache-2.0
// The process's log: one line per state change, as text or JSON, with the same fields in both.
#pragma once

#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gatelift {

enum class LogFormat { Text, JsonLines };
enum class LogLevel { Debug, Info, Warn, Error };

struct LogField {
  std::string name;
  std::string value;
};
using LogFields = std::vector<LogField>;

/// Writes `2006-01-02T15:04:05.000Z info message name=value` or
/// `{"time":"…","level":"info","msg":"message","name":"value"}`, in UTC. A value can neither end
/// its line nor its string, whatever bytes it has. May be used by several threads. Never give it a
/// token or the data of a Secret.
class Log {
 public:
  Log(std::ostream& out, LogFormat format, LogLevel level);
  ~Log();

  void write(LogLevel level, std::string_view message, const LogFields& fields = {});
  void info(std::string_view message, const LogFields& fields = {});
  void warn(std::string_view message, const LogFields& fields = {});
  void error(std::string_view message, const LogFields& fields = {});

 private:
  struct Sink;
  std::unique_ptr<Sink> sink_;
};

/// What follows the level in a line of the format. Pure.
std::string log_payload(LogFormat format, std::string_view message, const LogFields& fields);

}  // namespace gatelift
