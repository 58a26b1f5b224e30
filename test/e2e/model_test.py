# SPDX-License-Identifier: Apache-2.0
"""What the matrix of transitions goes by: it has to see a loss that nobody listed, and none where there is none."""

import copy
import unittest

from intention import (Listed, carried, converted_back, covers, differences, expected_alternatives, has_path, reshaped,
                       with_references)
from kube import GATEWAY
from policies import ca, policy
from schemas import ABSENT, defaulted, fitted
from transition_list import MAIN, transitions

CA = ca("clients")
FILTERS = {"type": "array", "minItems": 1, "items": {
    "type": "object", "required": ["type"], "properties": {
        "type": {"type": "string", "enum": ["A"]}, "a": {"type": "object", "properties": {"b": {"type": "integer"}}}}}}
GATEWAY_SCHEMA = {"properties": {"spec": {"type": "object", "properties": {"tls": {"type": "object", "properties": {
    "frontend": {"type": "object", "properties": {"perPort": {"type": "array"}}}}}}}}}


def gateway(**spec):
    return {"apiVersion": f"{GATEWAY}/v1", "kind": "Gateway", "metadata": {"name": "edge"}, "spec": {
        "listeners": [{"name": "https", "port": 443, "tls": {"mode": "Terminate"}}], **spec}}


class Schemas(unittest.TestCase):
    def test_what_has_no_place_goes_with_what_needs_it(self):
        found = fitted([{"type": "A", "a": {"b": 1, "c": 2}}, {"type": "B", "a": {}}], FILTERS)
        self.assertEqual(found, [{"type": "A", "a": {"b": 1}}])
        self.assertIs(fitted([{"type": "B"}], FILTERS), ABSENT)
        self.assertIs(fitted("text", FILTERS), ABSENT)

    def test_defaults_are_added_where_their_object_is(self):
        schema = {"properties": {"a": {"default": {}, "properties": {"b": {"default": 5}}}, "c": {"properties": {
            "d": {"default": 1}}}}}
        self.assertEqual(defaulted({}, schema), {"a": {"b": 5}})
        self.assertEqual(defaulted({"a": {"b": 1}, "c": {}}, schema), {"a": {"b": 1}, "c": {"d": 1}})


class Differences(unittest.TestCase):
    def found(self, old, new):
        return [(each.path, each.kind) for each in differences(old, new)]

    def test_each_is_named_where_it_is(self):
        old = {"spec": {"rules": [{"name": "a", "retry": {"attempts": 1}}], "labels": {"a.b/c": 1}}}
        new = {"spec": {"rules": [{"name": "b"}], "labels": {}, "more": 1}}
        self.assertEqual(self.found(old, new), [
            ("spec.labels[a.b/c]", "gone"), ("spec.more", "added"), ("spec.rules[0].name", "changed"),
            ("spec.rules[0].retry", "gone")])

    def test_an_element_less_is_a_change_of_the_list(self):
        self.assertEqual(self.found({"a": [1, 2]}, {"a": [1]}), [("a", "changed")])

    def test_a_check_names_its_field_and_what_is_in_it(self):
        self.assertTrue(covers("spec.rules[0].retry", "spec.rules[0].retry.attempts"))
        self.assertTrue(covers("spec.rules[0].filters[1]", "spec.rules[0].filters"))
        self.assertFalse(covers("spec.rules[0].retry", "spec.rules[0].retryOn"))
        self.assertFalse(covers("spec.rules[0].retry", "spec.rules[1].retry"))
        self.assertFalse(covers("", "spec.rules[0]"))

    def test_a_loss_in_status_is_named_for_the_whole_kind(self):
        plan = {"checks": [{"object": "CustomResourceDefinition/gateways", "field": "status.listeners[].port"},
                           {"object": "Gateway/a/edge", "field": "spec.tls"}]}
        listed = Listed(plan)
        self.assertTrue(listed.naming("Gateway/a/edge", "gateways", "status.listeners[3].port"))
        self.assertFalse(listed.naming("Gateway/a/edge", "gateways", "spec.listeners[3].port"))
        self.assertFalse(listed.naming("Gateway/a/other", "gateways", "spec.tls.backend"))

    def test_a_field_is_found_by_its_path(self):
        item = {"spec": {"rules": [{"filters": [{"type": "CORS", "cors": {}}]}], "labels": {"a.b/c": 1}}}
        self.assertTrue(has_path(item, "spec.rules[0].filters[0].cors"))
        self.assertTrue(has_path(item, "spec.labels[a.b/c]"))
        self.assertFalse(has_path(item, "spec.rules[1].filters"))


class Meaning(unittest.TestCase):
    def old_policy(self, **target):
        item = policy("store", "shop", caCertRefs=CA)
        item["spec"]["targetRef"] |= target
        return item

    def test_a_policy_comes_back_as_it_was(self):
        item = self.old_policy(sectionName="https")
        new = {**item, "apiVersion": f"{GATEWAY}/v1", **reshaped(item, "v1")}
        self.assertEqual(new["spec"]["validation"]["caCertificateRefs"], CA)
        self.assertEqual(reshaped(new, "v1alpha2")["spec"], item["spec"])

    def test_what_has_no_words_at_the_target_has_no_meaning_there(self):
        self.assertIsNone(reshaped(self.old_policy(namespace="other"), "v1"))
        spec = reshaped(self.old_policy(), "v1")["spec"]
        self.assertIsNone(converted_back({**spec, "options": {"a": "b"}}))
        self.assertIsNone(converted_back({**spec, "targetRefs": spec["targetRefs"] * 2}))

    def test_validation_moves_to_the_port_of_its_listener(self):
        item = gateway(backendTLS={"clientCertificateRef": {"name": "a"}})
        item["spec"]["listeners"][0]["tls"]["frontendValidation"] = {"caCertificateRefs": CA}
        before = copy.deepcopy(item)
        spec = carried(item, GATEWAY_SCHEMA)["spec"]
        self.assertEqual(spec["tls"], {
            "frontend": {"default": {}, "perPort": [{"port": 443, "tls": {
                "validation": {"caCertificateRefs": CA, "mode": "AllowValidOnly"}}}]},
            "backend": {"clientCertificateRef": {"name": "a"}}})
        self.assertEqual(spec["listeners"][0]["tls"], {"mode": "Terminate"})
        self.assertEqual(item, before)
        self.assertIsNone(carried(item, {"properties": {}}))

    def test_a_reference_to_a_kind_that_is_replaced_gets_a_twin(self):
        old, new = ("x", "Old"), ("y", "New")
        reference = {"group": "x", "kind": "Old", "name": "a", "sectionName": "b"}
        found = with_references({"spec": {"parentRefs": [reference, {"kind": "Old"}]}}, {old: new})
        self.assertEqual(found["spec"]["parentRefs"], [
            reference, {**reference, "group": "y", "kind": "New"}, {"kind": "Old"}])
        self.assertEqual(with_references(found, {old: new}), found)

    def test_an_object_that_nothing_moves_has_one_meaning(self):
        self.assertEqual(len(expected_alternatives(gateway(), GATEWAY_SCHEMA, "v1", {})), 1)


class Transitions(unittest.TestCase):
    def test_every_step_switch_and_jump_is_there_in_both_directions(self):
        found = [each.name for each in transitions(MAIN)]
        self.assertEqual(len(found), 2 * 2 * (len(MAIN) - 1) + 2 * len(MAIN) + 22)
        self.assertEqual(len(set(found)), len(found) - 2, "v1.0.0 exp to v1.1.1 exp is a step and a jump here")
        for name in found:
            first, second = name.split(" -> ")
            self.assertIn(f"{second} -> {first}", found)


if __name__ == "__main__":
    unittest.main(verbosity=2)
