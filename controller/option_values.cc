// SPDX-License-Identifier: Apache-2.0
// Values of flags, and what is derived from them; apart from options.cc, which alone includes the
// argument parser.
#include <algorithm>
#include <cctype>

#include "controller/options.h"

namespace gatelift {

Result<BundleRef> parse_bundle_ref(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos || slash == 0 || slash + 1 == text.size() ||
      text.find('/', slash + 1) != std::string_view::npos) {
    return fail(ErrorKind::Invalid, "\"" + std::string(text) +
                                        "\" names no bundle: want VERSION/CHANNEL, for instance "
                                        "v1.1.1/experimental or v1.1.1/standard");
  }
  BundleRef ref{std::string(text.substr(0, slash)), std::string(text.substr(slash + 1))};
  if (ref.version.front() >= '0' && ref.version.front() <= '9') ref.version = "v" + ref.version;
  return ref;
}

std::string default_migration_name(const BundleRef& target) {
  std::string name = "to-" + target.version + "-" + target.channel;
  for (char& c : name) {
    const auto byte = static_cast<unsigned char>(c);
    c = std::isalnum(byte) != 0 ? static_cast<char>(std::tolower(byte)) : '-';
  }
  while (name.ends_with('-')) name.pop_back();
  return name;
}

std::string completion_script(std::string_view shell) {
  std::string cases;
  for (const CommandWords& words : command_words()) {
    cases += "    \"" + words.path + "\") words=\"";
    for (const std::string& sub : words.subcommands) cases += sub + " ";
    for (const std::string& flag : words.flags) cases += flag + " ";
    cases += "\" ;;\n";
  }
  const std::string prelude =
      shell == "zsh" ? "autoload -Uz bashcompinit && bashcompinit\n" : std::string();
  return prelude +
         "_gatelift() {\n"
         "  local path=\"\" word words=\"\"\n"
         "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
         "    case \"$word\" in -*) ;; *)\n"
         "      case \"$path $word\" in\n" +
         [] {
           std::string known;
           for (const CommandWords& words : command_words()) {
             if (words.path.empty()) continue;
             const bool nested = words.path.find(' ') != std::string::npos;
             known += "        \"" + std::string(nested ? "" : " ") + words.path + "\") path=\"" +
                      words.path + "\" ;;\n";
           }
           return known;
         }() +
         "      esac ;;\n"
         "    esac\n"
         "  done\n"
         "  case \"$path\" in\n" +
         cases +
         "  esac\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n"
         "}\n"
         "complete -o default -F _gatelift gatelift kubectl-gatelift\n";
}

}  // namespace gatelift
