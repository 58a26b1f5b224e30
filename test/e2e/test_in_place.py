# SPDX-License-Identifier: Apache-2.0
"""v1.0.0 to v1.1.1, experimental, in place: GATELIFT_POLICIES of them (200 unless set) under a reader and list/watch
clients of both versions, and what is left afterwards."""

import unittest

import in_place


class InPlace(in_place.Run):
    target = "v1.1.1/experimental"
    versions = ("v1alpha2", "v1alpha3")
    later = ("v1.2.1/experimental", "v1.3.0/experimental", "v1.4.1/experimental")


if __name__ == "__main__":
    unittest.main(verbosity=2)
