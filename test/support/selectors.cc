// SPDX-License-Identifier: Apache-2.0
#include "test/support/selectors.h"

#include <sstream>

#include "client/object.h"
#include "test/support/api_error.h"

namespace gatelift::fake {
namespace {

struct Term {
  std::string key;
  std::string value;
  bool equal = true;
  bool has_value = false;
};

Result<Term> parse_term(std::string text) {
  if (text.find_first_of(" ()") != std::string::npos) {
    return fail(bad_request("unable to parse requirement: " + text));
  }
  Term term;
  if (text.starts_with("!")) {
    term.equal = false;
    term.key = text.substr(1);
    return term;
  }
  std::size_t at = text.find('=');
  term.key = text.substr(0, at);
  if (at == std::string::npos) return term;
  term.has_value = true;
  term.value = text.substr(at + (text.compare(at, 2, "==") == 0 ? 2 : 1));
  if (term.key.ends_with("!")) {
    term.equal = false;
    term.key.pop_back();
  }
  return term;
}

Result<bool> label_matches(const Term& term, const Json& object) {
  const Json* value = find(object, "metadata", "labels", term.key);
  if (!term.has_value) return (value != nullptr) == term.equal;
  return (value != nullptr && *value == term.value) == term.equal;
}

Result<bool> field_matches(const Term& term, const Json& object) {
  if (term.key == "metadata.name") return (key_of(object).name == term.value) == term.equal;
  if (term.key == "metadata.namespace") return (key_of(object).ns == term.value) == term.equal;
  return fail(bad_request("field label not supported: " + term.key));
}

Result<bool> all_match(const std::string& selector, const Json& object,
                       Result<bool> (*matches)(const Term&, const Json&)) {
  std::istringstream terms(selector);
  for (std::string text; std::getline(terms, text, ',');) {
    ASSIGN_OR_RETURN(Term term, parse_term(text));
    ASSIGN_OR_RETURN(bool matched, matches(term, object));
    if (!matched) return false;
  }
  return true;
}

}  // namespace

Result<bool> selects(const std::string& labels, const std::string& fields, const Json& object) {
  ASSIGN_OR_RETURN(bool by_label, all_match(labels, object, label_matches));
  if (!by_label) return false;
  return all_match(fields, object, field_matches);
}

}  // namespace gatelift::fake
