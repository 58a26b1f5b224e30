// SPDX-License-Identifier: Apache-2.0
#include "controller/log.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/ostream_sink.h>

#include <algorithm>

#include "client/json.h"

namespace gatelift {
namespace {

std::string json_string(std::string_view text) { return print_json(Json(std::string(text))); }

/// Text values are quoted only where a reader could not tell where they end.
std::string text_value(const std::string& value) {
  const bool plain = !value.empty() && std::all_of(value.begin(), value.end(), [](char c) {
    return c > ' ' && c < 0x7f && c != '"' && c != '=' && c != '\\';
  });
  return plain ? value : json_string(value);
}

/// The message reads best unquoted; only control characters and broken UTF-8 are escaped.
std::string text_message(std::string_view message) {
  const bool has_control = std::any_of(message.begin(), message.end(), [](char c) {
    return static_cast<unsigned char>(c) < ' ' || c == 0x7f;
  });
  return has_control ? json_string(message) : std::string(message);
}

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::Debug:
      return spdlog::level::debug;
    case LogLevel::Info:
      return spdlog::level::info;
    case LogLevel::Warn:
      return spdlog::level::warn;
    case LogLevel::Error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

}  // namespace

struct Log::Sink {
  LogFormat format;
  spdlog::logger logger;
};

Log::Log(std::ostream& out, LogFormat format, LogLevel level) {
  constexpr bool kFlushEachLine = true;
  auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(out, kFlushEachLine);
  sink_ = std::make_unique<Sink>(Sink{format, spdlog::logger("gatelift", std::move(sink))});
  // The payload is escaped before spdlog sees it: its pattern flags escape nothing.
  const char* pattern = format == LogFormat::JsonLines
                            ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})"
                            : "%Y-%m-%dT%H:%M:%S.%eZ %l %v";
  sink_->logger.set_formatter(
      std::make_unique<spdlog::pattern_formatter>(pattern, spdlog::pattern_time_type::utc));
  sink_->logger.set_level(spdlog_level(level));
}

Log::~Log() = default;

void Log::write(LogLevel level, std::string_view message, const LogFields& fields) {
  if (!sink_->logger.should_log(spdlog_level(level))) return;
  sink_->logger.log(spdlog_level(level), log_payload(sink_->format, message, fields));
}

void Log::info(std::string_view message, const LogFields& fields) {
  write(LogLevel::Info, message, fields);
}

void Log::warn(std::string_view message, const LogFields& fields) {
  write(LogLevel::Warn, message, fields);
}

void Log::error(std::string_view message, const LogFields& fields) {
  write(LogLevel::Error, message, fields);
}

std::string log_payload(LogFormat format, std::string_view message, const LogFields& fields) {
  if (format == LogFormat::JsonLines) {
    std::string line = "\"msg\":" + json_string(message);
    for (const LogField& field : fields)
      line += "," + json_string(field.name) + ":" + json_string(field.value);
    return line;
  }
  std::string line = text_message(message);
  for (const LogField& field : fields) line += " " + field.name + "=" + text_value(field.value);
  return line;
}

}  // namespace gatelift
