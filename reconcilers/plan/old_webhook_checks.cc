// SPDX-License-Identifier: Apache-2.0
#include "reconcilers/plan/old_webhook_checks.h"

#include <charconv>
#include <utility>

#include "reconcilers/admission/old_webhook.h"
#include "reconcilers/bundle/digest.h"
#include "reconcilers/bundle/version.h"
#include "reconcilers/plan/crd_checks.h"
#include "reconcilers/plan/discovery.h"
#include "reconcilers/plan/findings.h"
#include "reconcilers/plan/permission_checks.h"

namespace gatelift {
namespace {

constexpr int kFirstMinorWithCel = 25;
constexpr std::chrono::seconds kProbeDeadline{15};

/// The minor of the API server's version; nullopt where it does not say.
Result<std::optional<int>> server_minor(Cluster& cluster) {
  Request request;
  request.raw_path = "/version";
  const auto version = cluster.send(request);
  if (!version) {
    if (version.error().is(ErrorKind::Cancelled)) return fail(version.error());
    return std::optional<int>();
  }
  const std::string text = string_at(*version, "minor");  // "36", with providers also "36+"
  int minor = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), minor);
  return error == std::errc() ? std::optional(minor) : std::nullopt;
}

/// Any object of a kind that the webhook judges, and where it is.
struct Judged {
  Resource resource;
  std::string kind;
  ObjectKey key;
};

Result<std::optional<Judged>> any_judged(Cluster& cluster, const Installed& installed) {
  for (const std::string_view plural : kJudgedByOldWebhook) {
    const CrdSummary* crd = installed.crd(std::string(plural) + ".gateway.networking.k8s.io");
    if (crd == nullptr || !crd->established) continue;
    Request list;
    list.verb = Verb::List;
    list.resource = crd->resource();
    list.metadata_only = true;
    list.limit = 1;
    const auto page = cluster.send(list);
    if (!page) {
      if (is_out_of_reach(page.error())) continue;
      return fail(page.error());
    }
    const Json& items = array_at(*page, "items");
    if (!items.empty()) return Judged{crd->resource(), crd->kind, key_of(items[0])};
  }
  return std::optional<Judged>();
}

/// Whether the webhook answers, and lets pass what is there already.
struct Health {
  bool is_good = true;
  std::string words;  // what was found, as half a sentence
};

/// A merge patch of nothing with dryRun=All: admission is asked, and nothing is written.
Result<Health> health_of(Cluster& cluster, const Installed& installed) {
  ASSIGN_OR_RETURN(const std::optional<Judged> judged, any_judged(cluster, installed));
  if (!judged)
    return Health{true, "whether it answers was not tried: it judges no object that there is"};
  const std::string name = display_name(judged->kind, judged->key);
  Access access{"patch", judged->resource.group, judged->resource.plural, judged->key.ns, ""};
  ASSIGN_OR_RETURN(const std::vector<Access> denied, denied_of(cluster, {access}));
  if (!denied.empty()) {
    return Health{true, "whether it answers was not tried: that needs the right to patch " +
                            access.display()};
  }
  Request probe;
  probe.verb = Verb::MergePatch;
  probe.resource = judged->resource;
  probe.key = judged->key;
  probe.body = Json::object();
  probe.dry_run = true;
  probe.deadline = kProbeDeadline;
  const auto answer = cluster.send(probe);
  if (answer) return Health{true, "it answers"};
  if (answer.error().is(ErrorKind::Cancelled)) return fail(answer.error());
  return Health{false, "a dry run of a write of " + name + " fails: " + words_of(answer.error())};
}

/// The objects of the webhook that are there, or that we may not look at.
Result<std::vector<std::string>> present(Cluster& cluster,
                                         const std::vector<OldWebhookObject>& objects) {
  const std::vector<Result<Json>> answers = send_all(
      cluster, objects.size(),
      [&](std::size_t i) {
        Request request;
        request.resource = objects[i].resource;
        request.key = objects[i].key;
        request.metadata_only = true;
        return request;
      },
      static_cast<int>(objects.size()));
  std::vector<std::string> names;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (!answers[i] && answers[i].error().is(ErrorKind::NotFound)) continue;
    if (!answers[i] && !is_out_of_reach(answers[i].error())) return fail(answers[i].error());
    names.push_back(display_name(objects[i].kind, objects[i].key));
  }
  return names;
}

Check check_of(Severity severity, std::string message, std::string next) {
  Check check;
  check.code = "OldWebhook";
  check.severity = severity;
  check.object = display_name(kValidatingWebhookKind, {"", std::string(kOldWebhook)});
  check.message = std::move(message);
  check.next = std::move(next);
  check.by_object = severity == Severity::Consent;
  return check;
}

PlannedAction removal_of(const Json& configuration) {
  PlannedAction action;
  action.kind = ActionKind::Remove;
  action.crd = std::string(kOldWebhook);
  action.object_kind = kValidatingWebhookKind;
  action.reason = "the webhook of bundles before v1.0, with all that belongs to it";
  action.from_digest = digest_of(array_at(configuration, "webhooks"));
  return action;
}

/// Where the target is of a release before v1.0, which brings the webhook along.
bool brings_webhook(const std::optional<BundleVersion>& target) {
  return target && target->major == 0;
}

bool is_later_than_1_0(const std::optional<BundleVersion>& target) {
  return target && (target->major > 1 || (target->major == 1 && target->minor > 0));
}

Check removal_check(const Json& configuration, const std::vector<std::string>& names,
                    const Health& health) {
  const std::string ns = old_webhook_objects(configuration)[1].key.ns;
  return check_of(
      Severity::Consent,
      "it is the webhook of bundles before v1.0: what it checks, the target's CRDs check "
      "themselves, and it holds up what later versions allow; " +
          health.words,
      "with a consent, these are backed up and deleted before anything else is written: " +
          joined(names) + "; Namespace/" + ns + " stays: delete it where nothing else is in it");
}

Check keeping_check(const Health& health, bool needs_it) {
  const std::string why = needs_it
                              ? "this Kubernetes is older than 1.25 and evaluates no rule in CRDs"
                              : "the target is of a release before v1.0";
  if (health.is_good) {
    return check_of(Severity::Note, "it stays, since " + why + "; " + health.words, "");
  }
  return check_of(Severity::Blocker,
                  "it stays, since " + why +
                      ", and every write of GatewayClasses, Gateways and "
                      "HTTPRoutes goes through it; " +
                      health.words,
                  "mend it (kubectl get pods -A -l name=gateway-api-admission-server; its "
                  "certificate is in the Secret gateway-api-admission), or delete the "
                  "ValidatingWebhookConfiguration gateway-api-admission");
}

}  // namespace

Result<std::optional<PlannedAction>> check_old_webhook(Cluster& cluster, const Admission& admission,
                                                       const PlanInputs& inputs,
                                                       Findings& findings) {
  std::optional<PlannedAction> action;
  if (inputs.operation == Operation::Rollback) return action;
  const auto target = parse_bundle_version(inputs.target.ref.version);
  const Json* configuration = admission.webhook(kValidatingWebhookKind, kOldWebhook);
  if (configuration == nullptr || !is_old_webhook(*configuration)) {
    if (brings_webhook(target)) {
      findings.add(check_of(Severity::Note,
                            "the install files of " + inputs.target.ref.version +
                                " bring a validating webhook, which is not installed",
                            ""));
    }
    return action;
  }
  ASSIGN_OR_RETURN(const std::optional<int> minor, server_minor(cluster));
  const bool needs_it = minor && *minor < kFirstMinorWithCel;
  if (needs_it && is_later_than_1_0(target)) {
    findings.add(check_of(Severity::Blocker,
                          "this Kubernetes is older than 1.25 and evaluates no rule in CRDs, so "
                          "that only the webhook checks objects, and " +
                              inputs.target.ref.version + " has none",
                          "upgrade Kubernetes to 1.25 or later first, or choose v1.0"));
    return action;
  }
  ASSIGN_OR_RETURN(const Health health, health_of(cluster, inputs.installed));
  if (needs_it || brings_webhook(target)) {
    findings.add(keeping_check(health, needs_it));
    return action;
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> names,
                   present(cluster, old_webhook_objects(*configuration)));
  findings.add(removal_check(*configuration, names, health));
  action = removal_of(*configuration);
  return action;
}

}  // namespace gatelift
