// SPDX-License-Identifier: Apache-2.0
#include "controller/verdict_printer.h"

#include <optional>

#include "controller/terminal.h"

namespace gatelift {
namespace {

std::string verdict_words(const PolicyVerdict& verdict, const char* allowed) {
  std::string text;
  switch (verdict.ruling) {
    case Ruling::Allowed:
      text = allowed;
      break;
    case Ruling::Violates:
      text = "VIOLATES";
      break;
    case Ruling::NotDecidable:
      text = "not decidable";
      break;
  }
  if (verdict.rule) text += " " + std::string(to_string(*verdict.rule));
  if (!verdict.why.empty()) text += " (" + printable(verdict.why) + ")";
  return text;
}

Style style_of(std::optional<Ruling> ruling) {
  if (!ruling) return Style::Dim;
  switch (*ruling) {
    case Ruling::Allowed:
      return Style::Dim;
    case Ruling::Violates:
      return Style::Red;
    case Ruling::NotDecidable:
      return Style::Yellow;
  }
  return Style::Plain;
}

}  // namespace

std::string verdicts_text(const std::vector<PolicyVerdict>& verdicts, const char* allowed,
                          bool colored) {
  const auto ruling = gravest(verdicts);
  std::string text;
  for (const PolicyVerdict& verdict : verdicts) {
    if (verdict.ruling == ruling)
      text += (text.empty() ? "" : ", ") + verdict_words(verdict, allowed);
  }
  return styled(text.empty() ? "no rule" : text, style_of(ruling), colored);
}

Json verdict_json(const PolicyVerdict& verdict) {
  return {
      {"ruling", to_string(verdict.ruling)                             },
      {"rule",   verdict.rule ? Json(to_string(*verdict.rule)) : Json()},
      {"why",    verdict.why                                           },
  };
}

}  // namespace gatelift
