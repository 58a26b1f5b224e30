# SPDX-License-Identifier: Apache-2.0
"""Down to v1.0.0 in place: policies of one target and without newer fields keep who they are, and others block the plan by
name."""

import unittest

import in_place
from admission import SAFE_UPGRADES, SafeUpgrades
from bundles import assert_is_bundle, gateway_crds, install
from etcd import address_of, stored
from fixture import Scenario
from kube import key, policies_path
from policies import APPLIER, NAMESPACES, apply_policy, policy
from residents import Residents, as_applied, kept
from watchers import CRD

TARGET = "v1.0.0/experimental"
OLD = "v1alpha2"
COUNT = 18


class Down(Scenario):
    namespaces = NAMESPACES

    def begin_at(self, bundle, version):
        self.addCleanup(self.plane.reset)
        install(self.plane, bundle)
        residents = Residents(self.plane, COUNT, version)
        self.addCleanup(residents.remove_owners)
        return residents

    def assert_is_down(self, residents):
        after = residents.live(OLD)
        wanted = residents.manifests()
        self.assertEqual(set(after), set(wanted))
        for name, item in after.items():
            # Later versions have no field for it.
            wanted[name]["spec"]["targetRef"].pop("namespace", None)
            self.assertEqual(item["spec"], wanted[name]["spec"])
            self.assertEqual(kept(item), kept(residents.before[name]))
            self.assertEqual({entry["apiVersion"].rpartition("/")[2] for entry in item["metadata"]["managedFields"]}, {OLD})
        self.assertEqual([text for text in stored(address_of(self.plane.pids["etcd"])).values()
                          if "targetRefs" in text or "gatelift" in text], [])
        assert_is_bundle(self, self.plane, TARGET)
        self.assertEqual(gateway_crds(self.plane.api)[CRD]["status"]["storedVersions"], [OLD])
        item = wanted[key(residents.applied[0])]
        item["spec"]["tls"]["hostname"] = "after.example.com"
        self.assertEqual(apply_policy(self.plane.api, item, APPLIER)["spec"], item["spec"])

    def go_down_from(self, bundle, version, is_guarded=False, **spec):
        residents = self.begin_at(bundle, version)
        if is_guarded:
            SafeUpgrades(self.plane).install(bundle)
        onlookers = in_place.Onlookers(self.plane, residents.before, (version, OLD))
        self.addCleanup(onlookers.finish)
        self.start_operator()
        in_place.start(self.plane, TARGET, **spec).wait_until_ready(in_place.RUN_SECONDS)
        onlookers.finish()
        onlookers.show()
        onlookers.assert_nobody_missed_a_policy(self)
        onlookers.assert_every_version_was_whole(self)
        self.assert_is_down(residents)

    def test_from_v1alpha3(self):
        self.go_down_from("v1.1.1/experimental", "v1alpha3")

    def test_from_v1(self):
        self.go_down_from("v1.4.1/experimental", "v1")

    def test_from_v1_under_the_policy_that_forbids_it(self):
        consent = {"check": "SafeUpgradesDenies", "object": f"ValidatingAdmissionPolicy/{SAFE_UPGRADES}",
                   "field": "spec.validations[1]"}
        self.go_down_from("v1.6.1/experimental", "v1", is_guarded=True, accept=[consent])

    def test_what_the_old_version_cannot_have_is_named(self):
        residents = self.begin_at("v1.4.1/experimental", "v1")
        several, named, tuned = (as_applied(policy("auth", name), "v1") for name in ("several", "named", "tuned"))
        several["spec"]["targetRefs"].append({"group": "", "kind": "Service", "name": "second"})
        named["spec"]["validation"]["subjectAltNames"] = [{"type": "Hostname", "hostname": "san.example.com"}]
        tuned["spec"]["options"] = {"example.com/tls": "1.3"}
        for item in (several, named, tuned):
            self.plane.api.create(policies_path("v1", "auth"), item)
        since = self.plane.audit.mark()
        self.start_operator()
        migration = in_place.start(self.plane, TARGET)
        migration.wait_until_stalled("Blocked")
        found = {(check["check"], check["object"], check["field"]) for check in migration.checks()
                 if check["severity"] == "Blocker"}
        self.assertEqual(found, {
            ("SeveralTargets", "BackendTLSPolicy/auth/several", "spec.targetRefs"),
            ("FieldNotInTarget", "BackendTLSPolicy/auth/named", "spec.validation.subjectAltNames"),
            ("FieldNotInTarget", "BackendTLSPolicy/auth/tuned", "spec.options")})
        self.assert_touched_nothing(since)
        for item in (several, named, tuned):
            self.plane.api.delete(in_place.path_of(item, "v1"))
        migration.wait_until_ready(in_place.RUN_SECONDS)
        self.assert_is_down(residents)


if __name__ == "__main__":
    unittest.main(verbosity=2)
