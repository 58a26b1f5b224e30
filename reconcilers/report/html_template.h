// SPDX-License-Identifier: Apache-2.0
// Fills an HTML template with values. A template is HTML with tags of the mustache language
// (mustache(5)); there is deliberately no tag that puts a value in unescaped. Pure.
#pragma once

#include <string>
#include <string_view>

#include "client/json.h"

namespace gatelift {

/// `text` as HTML text or as an attribute's value in quotes: & < > " ' are references, and control
/// characters, which HTML has no form for, are shown as U+FFFD.
std::string escape_html(std::string_view text);

/// {{key}}               the string or number under `key`, escaped; nothing where there is none
/// {{.}}                 the value of the innermost section, escaped
/// {{#key}} … {{/key}}   once for each item of a list; once for a value that is neither empty,
///                       false nor null
/// {{^key}} … {{/key}}   once where {{#key}} is nothing
/// {{! …}}               nothing
///
/// Keys are looked up in the innermost section that is an object, and nowhere else: an item without
/// a field does not show one of the page's by mistake.
///
/// A section's tag that is alone in its line takes the line with it. A template that is not well
/// formed gives Internal, since templates are ours.
Result<std::string> fill_html(std::string_view html_template, const Json& values);

}  // namespace gatelift
