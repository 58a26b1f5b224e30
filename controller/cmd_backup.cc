// SPDX-License-Identifier: Apache-2.0
// backup list, show, export, verify: also for a cluster whose migrations are gone, since backups
// stand alone.
#include <filesystem>
#include <fstream>
#include <ostream>
#include <set>

#include "client/yaml.h"
#include "controller/commands.h"
#include "reconcilers/backup/backup.h"

namespace gatelift {
namespace {

namespace fs = std::filesystem;

const char* role_text(BackupRole role) {
  switch (role) {
    case BackupRole::Crd:
      return "crd";
    case BackupRole::Original:
      return "original";
    case BackupRole::Intended:
      return "intended";
    case BackupRole::Dependent:
      return "dependent";
    case BackupRole::Policy:
      return "policy";
  }
  return "";
}

Json summary_json(const BackupSummary& summary) {
  return {
      {"name",        summary.ref         },
      {"migration",   summary.migration   },
      {"objects",     summary.objects     },
      {"bytes",       summary.bytes       },
      {"digest",      summary.digest      },
      {"createdAt",   summary.created_at  },
      {"retainUntil", summary.retain_until}
  };
}

std::string kept_text(const BackupSummary& summary) {
  return summary.retain_until.empty() ? "while in use" : "until " + summary.retain_until;
}

Result<ExitCode> run_list(const Options& options, CommandContext& context, BackupStore& store) {
  ASSIGN_OR_RETURN(const auto backups, store.list());
  Terminal& terminal = context.terminal;
  if (options.output != Output::Text) {
    Json all = Json::array();
    for (const BackupSummary& summary : backups) all.push_back(summary_json(summary));
    print_data(terminal, options.output, all);
    return ExitCode::Done;
  }
  if (backups.empty()) {
    terminal.err << "No backups found in namespace " << options.ns << ".\n";
    return ExitCode::Done;
  }
  std::vector<std::vector<std::string>> rows;
  for (const BackupSummary& summary : backups) {
    rows.push_back({printable(summary.ref), printable(summary.migration),
                    std::to_string(summary.objects), std::to_string(summary.bytes),
                    kept_text(summary), age_text(summary.created_at, context.clock.now())});
  }
  terminal.out << table({"NAME", "MIGRATION", "OBJECTS", "BYTES", "KEPT", "AGE"}, rows);
  return ExitCode::Done;
}

/// The backup that was named, or the only one there is.
Result<std::string> chosen(const Options& options, BackupStore& store) {
  if (!options.arguments.empty()) return options.arguments.front();
  ASSIGN_OR_RETURN(const auto backups, store.list());
  if (backups.empty()) {
    return fail(ErrorKind::NotFound, "there is no backup in namespace " + options.ns);
  }
  if (backups.size() == 1) return backups.front().ref;
  std::string names;
  for (const BackupSummary& summary : backups) names += " " + summary.ref;
  return fail(ErrorKind::Invalid, "there is more than one backup; name one of:" + names);
}

Result<VerifiedBackup> open_chosen(const Options& options, BackupStore& store) {
  ASSIGN_OR_RETURN(const std::string ref, chosen(options, store));
  ASSIGN_OR_RETURN(auto backup, store.open(ref));
  if (!backup) {
    return fail(ErrorKind::NotFound, "there is no backup " + ref + " in namespace " + options.ns +
                                         "; `" + options.program + " backup list` lists them");
  }
  return *std::move(backup);
}

Result<ExitCode> run_show(const Options& options, CommandContext& context, BackupStore& store) {
  ASSIGN_OR_RETURN(const VerifiedBackup backup, open_chosen(options, store));
  Terminal& terminal = context.terminal;
  const BackupSummary& summary = backup.summary();
  if (options.output != Output::Text) {
    Json json = summary_json(summary);
    json["entries"] = Json::array();
    for (const BackupEntry& entry : backup.entries()) {
      json["entries"].push_back({
          {"role",            role_text(entry.role) },
          {"apiVersion",      entry.api_version     },
          {"kind",            entry.kind            },
          {"namespace",       entry.key.ns          },
          {"name",            entry.key.name        },
          {"uid",             entry.uid             },
          {"resourceVersion", entry.resource_version},
          {"sha256",          entry.sha256          }
      });
    }
    print_data(terminal, options.output, json);
    return ExitCode::Done;
  }
  terminal.out << "Name:      " << summary.ref << "\n"
               << "Migration: " << printable(summary.migration) << "\n"
               << "Created:   " << summary.created_at << "\n"
               << "Kept:      " << kept_text(summary) << "\n"
               << "Digest:    " << summary.digest << "\n\n";
  std::vector<std::vector<std::string>> rows;
  for (const BackupEntry& entry : backup.entries()) {
    rows.push_back({role_text(entry.role), printable(entry.api_version),
                    printable(display_name(entry.kind, entry.key)),
                    std::to_string(entry.size_bytes)});
  }
  terminal.out << table({"ROLE", "VERSION", "OBJECT", "BYTES"}, rows);
  return ExitCode::Done;
}

tl::unexpected<Error> file_error(const fs::path& path, const std::string& what) {
  return fail(ErrorKind::Invalid, path.string() + ": " + what);
}

Result<void> make_empty_directory(const fs::path& directory) {
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) return file_error(directory, error.message());
  const bool is_empty = fs::is_empty(directory, error);
  if (error) return file_error(directory, error.message());
  if (!is_empty)
    return file_error(directory, "is not empty; name a directory that does not exist yet");
  return {};
}

/// "backendtlspolicy.ns.name.yaml". Names of Kubernetes objects hold no slash; those of a damaged
/// index might.
Result<fs::path> path_of(const BackupEntry& entry) {
  std::string file = entry.role == BackupRole::Crd ? entry.key.name
                     : entry.key.ns.empty()
                         ? entry.kind + "." + entry.key.name
                         : entry.kind + "." + entry.key.ns + "." + entry.key.name;
  if (file.find('/') != std::string::npos || file.find('\0') != std::string::npos) {
    return fail(ErrorKind::Invalid,
                "\"" + printable(file) + "\" in the backup is no name of an object");
  }
  return fs::path(role_text(entry.role)) / (file + ".yaml");
}

Result<void> write_new_file(const fs::path& path, const std::string& text) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (error) return file_error(path.parent_path(), error.message());
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (!file) return file_error(path, "could not be written");
  return {};
}

Result<ExitCode> run_export(const Options& options, CommandContext& context, BackupStore& store) {
  ASSIGN_OR_RETURN(const VerifiedBackup backup, open_chosen(options, store));
  RETURN_IF_ERROR(make_empty_directory(options.directory));
  std::set<fs::path> written;
  for (const BackupEntry& entry : backup.entries()) {
    // An object that changed while it was backed up is in there twice; the later state counts.
    if (backup.entry(entry.role, entry.crd, entry.key) != &entry) continue;
    ASSIGN_OR_RETURN(fs::path path, path_of(entry));
    if (!written.insert(path).second) {
      path.replace_extension("." + entry.uid + ".yaml");
      written.insert(path);
    }
    ASSIGN_OR_RETURN(const Json document, backup.document(entry));
    RETURN_IF_ERROR(write_new_file(options.directory / path, print_yaml(document)));
  }
  if (options.output != Output::Text) {
    Json files = Json::array();
    for (const fs::path& path : written) files.push_back(path.string());
    print_data(context.terminal, options.output,
               {
                   {"backup",    backup.summary().ref      },
                   {"directory", options.directory.string()},
                   {"files",     files                     }
    });
    return ExitCode::Done;
  }
  context.terminal.out << "Wrote " << written.size() << " files of backup " << backup.summary().ref
                       << " to " << options.directory.string() << "\n";
  return ExitCode::Done;
}

Result<ExitCode> run_verify(const Options& options, CommandContext& context, BackupStore& store) {
  std::vector<std::string> refs = options.arguments;
  if (refs.empty()) {
    ASSIGN_OR_RETURN(const auto backups, store.list());
    for (const BackupSummary& summary : backups) refs.push_back(summary.ref);
  }
  Terminal& terminal = context.terminal;
  if (refs.empty()) terminal.err << "No backups found in namespace " << options.ns << ".\n";
  bool all_good = true;
  Json results = Json::array();
  for (const std::string& ref : refs) {
    const auto opened = store.open(ref);
    if (!opened && !opened.error().is(ErrorKind::Internal)) return fail(opened.error());
    std::string problem;
    if (!opened) problem = opened.error().message;
    if (opened && !*opened) problem = "there is no backup of this name";
    all_good = all_good && problem.empty();
    results.push_back({
        {"name",    ref            },
        {"ok",      problem.empty()},
        {"problem", problem        }
    });
    if (options.output != Output::Text) continue;
    terminal.out << (problem.empty() ? "ok   " : "BAD  ") << ref;
    if (problem.empty()) {
      terminal.out << "  " << (*opened)->entries().size() << " documents, "
                   << (*opened)->summary().digest << "\n";
    } else {
      terminal.out << "  " << printable(problem) << "\n";
    }
  }
  print_data(terminal, options.output, results);
  return all_good ? ExitCode::Done : ExitCode::Failed;
}

}  // namespace

Result<ExitCode> run_backup(const Options& options, CommandContext& context) {
  BackupStore store(context.cluster, context.clock, options.ns);
  if (options.command == Command::BackupShow) return run_show(options, context, store);
  if (options.command == Command::BackupExport) return run_export(options, context, store);
  if (options.command == Command::BackupVerify) return run_verify(options, context, store);
  return run_list(options, context, store);
}

}  // namespace gatelift
