// SPDX-License-Identifier: Apache-2.0
// What a rehearsal found, in the words of checks. They are found after the plan was made, so that
// its digest does not know them, and stay with it for as long as it is the plan.
#pragma once

#include <string>
#include <vector>

#include "reconcilers/plan/findings.h"

namespace gatelift {

/// What would become of an object that the API server refuses.
enum class Stake {
  Stays,    // stored and served as it is; only later changes of the field are refused
  Frozen,   // the same on an API server before 1.30, which refuses every later write of the object
  Written,  // the run writes it and would be refused
  Remade,   // the run deletes it and could not make it again
};

/// One field that was refused, or, where `field` is "", the object as a whole. `words` are the API
/// server's.
struct Refusal {
  std::string field;
  std::string words;
  Stake stake = Stake::Remade;
  /// The API server stopped here: its other rules have not been looked at.
  bool hides_others = false;
  /// Of Written: why it could not be tried whether the API server forgives that write; else "".
  std::string unproven{};
};

/// True for a field of the status, which controllers write anew.
bool is_in_status(const std::string& field);

/// RehearsalRefused or, where the object stays or loses a status only, InvalidAtTarget. `object` is
/// "Kind/ns/name".
Check refusal_check(const std::string& object, const std::string& kind, const Refusal& refusal);

/// WriteDenied: the run's own write, as a dry run, was refused, which is admission's doing.
Check denial_check(const std::string& object, const std::string& words);

/// NotRehearsed: `num_objects` of a kind could not be tried. `stake` is theirs; `why` is a
/// sentence.
Check unrehearsed_check(const std::string& crd, Stake stake, int num_objects,
                        const std::string& why);

/// NotRehearsed: admission did not say beforehand whether it takes the run's own writes. `words`
/// are its own: that a webhook takes no dry runs, and the denial of a webhook that calls the
/// request bad, have one and the same reason, so that a person has to tell them apart.
Check unasked_check(const std::string& crd, int num_objects, const std::string& words);

/// True for the checks of this file.
bool is_of_rehearsal(const Check& check);

/// Puts `found` in the place of what an earlier rehearsal had found, and settles consents.
void put_rehearsal_checks(Plan& plan, Findings&& found, const std::vector<Consent>& consents);

/// Those of a plan that is made anew, where it came to the same digest: nothing that was rehearsed
/// has changed. False where they are not all at hand (status keeps a part only).
bool take_over_rehearsal_checks(const Plan& before, Plan& now,
                                const std::vector<Consent>& consents);

}  // namespace gatelift
